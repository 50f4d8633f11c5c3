import type { Socket } from 'node:net'
import { FrameKind } from './frame-kinds.ts'
import { encodeFrame, FrameDecoder, FrameError } from './frames.ts'
import type { PeerIdentity } from './link.ts'

/**
 * The version of everything that travels on links. Raise it with any change of frames or payloads:
 * processes of two versions must not talk. Frame layout, HELLO and REFUSED themselves never change.
 */
export const LINK_PROTOCOL_VERSION = 2

/** Largest hello or refusal, in bytes. */
const MAX_HELLO_BYTES = 4_096

export interface Hello extends PeerIdentity {
  readonly protocol: number
}

/** The peers cannot work together, now or by trying again. */
export class LinkRefusedError extends Error {
  override readonly name = 'LinkRefusedError'
}

/** Introduces this side. */
export function sendHello(socket: Socket, self: PeerIdentity, protocol: number): void {
  socket.write(encodeFrame(FrameKind.HELLO, JSON.stringify({ protocol, ...self })))
}

/** Says why not, and closes. */
export function sendRefusal(socket: Socket, reason: string): void {
  socket.end(encodeFrame(FrameKind.REFUSED, reason))
}

/** The sentence for peers of two versions. */
export function versionMismatch(own: number, theirs: number): string {
  return `link protocol ${theirs} does not match ${own}: full restart needed`
}

/**
 * Resolves with the peer's hello and what it sent behind it. The socket is paused then.
 *
 * @throws LinkRefusedError when the peer refuses; FrameError for anything else than a hello; Error when the socket
 * closes or `timeoutMs` pass. The socket is destroyed then.
 */
export function readHello(
  socket: Socket,
  timeoutMs: number,
): Promise<{ readonly hello: Hello; readonly rest: Buffer }> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      clearTimeout(timer)
      socket.off('data', onData).off('error', fail).off('close', onClose)
      socket.pause()
      finish()
    }
    const fail = (error: unknown): void => {
      // Once destroyed, a late ECONNRESET tells nothing new and would end the process unheard.
      socket.on('error', () => undefined)
      settle(() => reject(error instanceof Error ? error : new Error(String(error))))
      socket.destroy()
    }
    const onClose = (): void => fail(new Error('the peer closed before it said hello'))
    const timer = setTimeout(
      () => fail(new Error(`the peer said no hello within ${timeoutMs} ms`)),
      timeoutMs,
    )
    let seen = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk])
      try {
        const result = firstHello(seen)
        if (result !== undefined) settle(() => resolve(result))
      } catch (error) {
        fail(error)
      }
    }
    socket.on('data', onData).on('error', fail).on('close', onClose)
  })
}

/** The hello at the start of the bytes, undefined while it is not complete. */
function firstHello(bytes: Buffer): { hello: Hello; rest: Buffer } | undefined {
  if (bytes.length < 5) return undefined
  const end = 5 + bytes.readUInt32BE(0)
  if (end > MAX_HELLO_BYTES) throw new FrameError('the peer did not begin with a hello')
  if (bytes.length < end) return undefined
  let hello: Hello | undefined
  const decoder = new FrameDecoder(MAX_HELLO_BYTES, (kind, payload) => {
    hello = parseHello(kind, payload)
  })
  decoder.push(bytes.subarray(0, end))
  return hello === undefined ? undefined : { hello, rest: bytes.subarray(end) }
}

function parseHello(kind: number, payload: Buffer): Hello {
  if (kind === FrameKind.REFUSED) throw new LinkRefusedError(payload.toString())
  if (kind !== FrameKind.HELLO) throw new FrameError('the peer did not begin with a hello')
  const value: unknown = JSON.parse(payload.toString())
  if (!isHello(value)) throw new FrameError('the peer sent a malformed hello')
  return value
}

function isHello(value: unknown): value is Hello {
  if (typeof value !== 'object' || value === null) return false
  const { protocol, role, id } = value as Partial<Record<keyof Hello, unknown>>
  return typeof protocol === 'number' && typeof role === 'string' && typeof id === 'string'
}
