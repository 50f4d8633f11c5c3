import type { Socket } from 'socket.io'
import { CLOSE_CODES } from '../../protocol/close-codes.ts'
import type { CloseCode } from '../../protocol/close-codes.ts'
import { webSocketFrames } from './packets.ts'
import { closeTransport, countQueued, takesFrames, writeFrames, writePacket } from './transport.ts'

/** Packets that one connection may have waiting, whatever their size. Past it: 4001, like bytes. */
const MAX_QUEUED_PACKETS = 16_384

/** Packets that many connections get alike: encoded into frames at most once. */
export class SharedPackets {
  readonly packets: readonly string[]
  #frames: Buffer | undefined

  constructor(packets: readonly string[]) {
    this.packets = packets
  }

  get frames(): Buffer {
    this.#frames ??= webSocketFrames(this.packets)
    return this.#frames
  }
}

/**
 * The way out to one connection, in order, with a bound on what waits.
 *
 * Engine.IO keeps what a slow reader does not take in its `writeBuffer` for ever (`bufferedAmount`
 * of the websocket stays 0 meanwhile). Past the bound the transport is closed with 4001: the client
 * reconnects and resumes from the log, and nobody else is held up.
 */
export class Outbox {
  readonly #engine: Socket['conn']
  readonly #maxQueueBytes: number
  readonly #onTooSlow: () => void
  #queuedBytes = 0
  #isClosing = false

  constructor(socket: Socket, maxQueueBytes: number, onTooSlow: () => void) {
    this.#engine = socket.conn
    this.#maxQueueBytes = maxQueueBytes
    this.#onTooSlow = onTooSlow
    // Engine.IO hands its whole buffer to the transport at once and says so with this event.
    this.#engine.on('drain', () => {
      this.#queuedBytes = 0
    })
  }

  /** Sends packets to this connection alone, in one write where the transport allows it. */
  send(packets: readonly string[]): void {
    if (packets.length > 0) this.sendShared(new SharedPackets(packets))
  }

  /** Sends packets that others get too. */
  sendShared(shared: SharedPackets): void {
    if (this.#isClosing || shared.packets.length === 0) return
    if (takesFrames(this.#engine)) {
      writeFrames(this.#engine, shared.frames)
      this.#watch(shared.frames.length)
      return
    }
    for (const packet of shared.packets) {
      writePacket(this.#engine, packet)
      this.#watch(packet.length)
    }
  }

  /** Closes the transport with a code whose range tells the client what to do; nothing is sent after it. */
  close(code: CloseCode, reason: string): void {
    if (this.#isClosing) return
    this.#isClosing = true
    closeTransport(this.#engine, code, reason)
  }

  #watch(bytes: number): void {
    const queuedPackets = countQueued(this.#engine)
    if (queuedPackets === 0) {
      this.#queuedBytes = 0
      return
    }
    this.#queuedBytes += bytes
    const isTooMuch = this.#queuedBytes > this.#maxQueueBytes || queuedPackets > MAX_QUEUED_PACKETS
    if (!isTooMuch || this.#isClosing) return
    this.#onTooSlow()
    this.close(CLOSE_CODES.READER_TOO_SLOW, 'reader too slow: reconnect and resume')
  }
}
