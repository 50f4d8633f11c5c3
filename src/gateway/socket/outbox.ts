import type { Socket } from 'socket.io'
import { CLOSE_CODES } from '../../protocol/close-codes.ts'
import type { CloseCode } from '../../protocol/close-codes.ts'
import type { Entry, StreamChunk } from '../../protocol/model.ts'
import { HeldChunks } from './held-chunks.ts'
import { SharedPackets } from './shared-packets.ts'
import { closeTransport, countQueued, takesFrames, writeFrames, writePacket } from './transport.ts'

/** Packets that one connection may have waiting, whatever their size. Past it: 4001, like bytes. */
const MAX_QUEUED_PACKETS = 16_384

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
  #isClosed = false
  readonly #chunks = new HeldChunks({ send: (packets) => this.send(new SharedPackets(packets)) })
  /** Settles with the last paced portion; portions leave one after the other. */
  #pacing: Promise<void> = Promise.resolve()
  /** Ends the wait for the portion that is under way. */
  #stopWaiting: () => void = () => undefined

  constructor(socket: Socket, maxQueueBytes: number, onTooSlow: () => void) {
    this.#engine = socket.conn
    this.#maxQueueBytes = maxQueueBytes
    this.#onTooSlow = onTooSlow
    this.#engine.on('drain', this.#onDrain)
  }

  /** Sends packets in one write where the transport allows it. */
  send(shared: SharedPackets): void {
    if (this.#isClosed || shared.packets.length === 0) return
    this.#write(shared, undefined)
    this.#watch(shared.sizeBytes)
  }

  /**
   * Sends more of a stream: at once where nothing waits; else it may be held and joined with what comes. What is
   * held counts towards the bound, so that whoever never reads is cut as by anything else.
   */
  sendChunk(chunk: StreamChunk, shared: SharedPackets): void {
    if (this.#isClosed) return
    const isWaiting = countQueued(this.#engine) > 0 || this.#chunks.has(chunk.messageId)
    if (isWaiting && this.#chunks.hold(chunk)) this.#watch(0)
    else this.send(shared)
  }

  /** To be called with what is about to be sent: what is held of its streams goes ahead of it. */
  endChunks(entries: readonly Entry[]): void {
    this.#chunks.end(entries)
  }

  /** The same for a stream whose end is about to be sent. */
  endChunksOf(messageId: string): void {
    this.#chunks.endOf(messageId)
  }

  /** Nothing more of a channel's streams is sent. */
  dropChunks(channelId: string): void {
    this.#chunks.drop(channelId)
  }

  /**
   * Sends what the client asked for and may be more than a queue's worth, at the pace at which the
   * client takes it: resolves when this portion has left, or when nothing will any more. At most one
   * portion of a connection waits at a time, so it does not count as a slow reader's.
   */
  sendPaced(shared: SharedPackets): Promise<void> {
    this.#pacing = this.#pacing.then(() => this.#sendAndWait(shared))
    return this.#pacing
  }

  /** Closes the transport with a code whose range tells the client what to do; nothing is sent after it. */
  close(code: CloseCode, reason: string): void {
    if (this.#isClosed) return
    this.dispose()
    closeTransport(this.#engine, code, reason)
  }

  /** Sends nothing any more: the connection is gone, or its transport belongs to another one now. */
  dispose(): void {
    this.#isClosed = true
    this.#chunks.clear()
    this.#engine.off('drain', this.#onDrain)
    this.#stopWaiting()
  }

  #sendAndWait(shared: SharedPackets): Promise<void> {
    if (this.#isClosed || shared.packets.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#stopWaiting = resolve
      this.#write(shared, resolve)
    })
  }

  #write(shared: SharedPackets, onSent: (() => void) | undefined): void {
    if (takesFrames(this.#engine)) {
      writeFrames(this.#engine, shared.frames, onSent)
      return
    }
    const last = shared.packets.length - 1
    for (const [index, packet] of shared.packets.entries()) {
      writePacket(this.#engine, packet, index === last ? onSent : undefined)
    }
  }

  #watch(bytes: number): void {
    const queuedPackets = countQueued(this.#engine)
    if (queuedPackets === 0) {
      this.#queuedBytes = 0
      return
    }
    this.#queuedBytes += bytes
    const waitingBytes = this.#queuedBytes + this.#chunks.sizeChars
    const isTooMuch = waitingBytes > this.#maxQueueBytes || queuedPackets > MAX_QUEUED_PACKETS
    if (!isTooMuch || this.#isClosed) return
    this.#onTooSlow()
    this.close(CLOSE_CODES.READER_TOO_SLOW, 'reader too slow: reconnect and resume')
  }

  /** Engine.IO hands its whole buffer to the transport at once and says so with this event. */
  readonly #onDrain = (): void => {
    this.#queuedBytes = 0
    this.#chunks.flush()
  }
}
