import type { Socket } from 'socket.io'
import type { CloseCode } from '../../protocol/close-codes.ts'
import { FrameRun } from './frame-run.ts'

/** Milliseconds that a peer gets to answer the close frame before its connection is terminated. */
const CLOSE_GRACE_MS = 2_000

/** The Engine.IO socket under a Socket.IO socket. */
type EngineSocket = Socket['conn']

/** What Engine.IO's WebSocket transport holds; its types do not show it. */
interface WebSocketTransport {
  readonly socket: {
    close(code: number, reason: string): void
    terminate(): void
    once(event: 'close', listener: () => void): void
  }
}

/**
 * True when bytes can go out as ready-made WebSocket frames: an open websocket that is not being
 * upgraded to. Polling takes packets one by one.
 */
export function takesFrames(engine: EngineSocket): boolean {
  return engine.transport.name === 'websocket' && !engine.upgrading && engine.readyState === 'open'
}

/** What waits because the transport has not taken it yet; Engine.IO has no public word for it. */
function queueOf(engine: EngineSocket): readonly { readonly options: object }[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the library's types hide it
  return (engine as unknown as { readonly writeBuffer: readonly { options: object }[] }).writeBuffer
}

/**
 * Queues ready-made frames behind whatever waits for this connection, in one write with those before
 * them where they wait too. `onSent` is called when the transport has taken them; never when the
 * connection closes before.
 */
export function writeFrames(
  engine: EngineSocket,
  frames: Buffer,
  onSent: (() => void) | undefined,
): void {
  const last = queueOf(engine).at(-1)?.options
  if (onSent === undefined && last instanceof FrameRun && last.add(frames)) return
  engine.write('', new FrameRun(frames), onSent)
}

/** Packets that wait because the transport has not taken them yet. */
export function countQueued(engine: EngineSocket): number {
  return queueOf(engine).length
}

/** What Engine.IO's polling transport holds; its types do not show it. */
interface PollingTransport {
  readonly dataReq: unknown
}

/**
 * True when nothing is on its way to the client and closing the transport breaks nothing off: a
 * websocket has given all its bytes to the kernel; a polling client has fetched everything, waits in
 * the next poll, which the close answers, and uploads nothing.
 */
export function isAtRest(engine: EngineSocket): boolean {
  const { transport } = engine
  if (countQueued(engine) > 0 || !transport.writable || engine.upgrading) return false
  if (transport.name !== 'polling') return true
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the library's types hide it
  const { dataReq } = transport as unknown as PollingTransport
  return dataReq === undefined || dataReq === null
}

/** Queues one Socket.IO packet, on whatever transport the connection has. */
export function writePacket(
  engine: EngineSocket,
  packet: string,
  onSent: (() => void) | undefined,
): void {
  engine.write(packet, { compress: false }, onSent)
}

/**
 * Closes the transport, not the Socket.IO session: after a Socket.IO disconnect stock clients stay
 * away, after a lost transport they reconnect. A peer that does not even read the close frame is
 * terminated after `CLOSE_GRACE_MS`.
 */
export function closeTransport(engine: EngineSocket, code: CloseCode, reason: string): void {
  if (engine.transport.name !== 'websocket') {
    engine.close(true)
    return
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the library's types hide it
  const { socket } = engine.transport as unknown as WebSocketTransport
  const timer = setTimeout(() => {
    socket.terminate()
  }, CLOSE_GRACE_MS)
  // Its own end, not Engine.IO's, which may have let go of it before.
  socket.once('close', () => {
    clearTimeout(timer)
  })
  socket.close(code, reason)
}
