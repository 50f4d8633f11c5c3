import type { Entry, StreamChunk } from '../../protocol/model.ts'
import { joinedChunk } from '../../service/channel-work.ts'
import { chunkPacket } from './encode.ts'

/**
 * Milliseconds in which a connection that has something waiting gets one chunk of each stream at most. More:
 * fewer and larger chunks for slow readers; less: more of them, each with 200 bytes around its text.
 */
const WINDOW_MS = 40

export interface HeldChunksOptions {
  /** Sends packets in order behind what waits. */
  readonly send: (packets: readonly string[]) => void
}

/**
 * What of agents' streams a connection with a queue is not sent yet, joined to one chunk for each stream.
 *
 * An agent writes fifty chunks in a second whether a reader takes them or not. So of a stream the first goes into
 * the queue at once, and what comes after it waits until the queue is empty or the window is over. Invariant: a
 * stream's held text follows on what was sent of it.
 */
export class HeldChunks {
  readonly #send: HeldChunksOptions['send']
  /** By message id; undefined where something was sent in this window and nothing came after it. */
  readonly #held = new Map<string, StreamChunk | undefined>()
  #sizeChars = 0
  #timer: NodeJS.Timeout | undefined

  constructor({ send }: HeldChunksOptions) {
    this.#send = send
  }

  /** Characters of text that are held. */
  get sizeChars(): number {
    return this.#sizeChars
  }

  /** False where the chunk is the stream's first in the window: it is to be sent. Otherwise it is held. */
  hold(chunk: StreamChunk): boolean {
    const { messageId } = chunk
    if (!this.#held.has(messageId)) {
      this.#held.set(messageId, undefined)
      this.#timer ??= setTimeout(() => this.#endWindow(), WINDOW_MS)
      return false
    }
    const before = this.#held.get(messageId)
    this.#held.set(messageId, before === undefined ? chunk : joinedChunk(before, chunk))
    this.#sizeChars += chunk.chunk.length
    return true
  }

  /** Whether something of the stream is held, which has to go ahead of anything more of it. */
  has(messageId: string): boolean {
    return this.#held.get(messageId) !== undefined
  }

  /** Sends all that is held; the queue is empty. */
  flush(): void {
    if (this.#held.size === 0) return
    const held = this.#take()
    this.#held.clear()
    this.#stopTimer()
    this.#sendAll(held)
  }

  /** Sends what is held of streams whose messages are about to be; forgets what belongs to nothing any more. */
  end(entries: readonly Entry[]): void {
    if (this.#held.size === 0) return
    for (const entry of entries) {
      if (entry.kind === 'posted') this.endOf(entry.message?.id ?? '')
      else if (entry.kind === 'deleted') this.#forget(entry.messageId)
      else if (entry.kind === 'removed') this.drop(entry.channelId)
    }
  }

  /** Sends what is held of a stream that is over. */
  endOf(messageId: string): void {
    const chunk = this.#held.get(messageId)
    this.#forget(messageId)
    if (chunk !== undefined) this.#sendAll([chunk])
  }

  /** Forgets what is held of a channel. */
  drop(channelId: string): void {
    for (const [messageId, chunk] of this.#held) {
      if (chunk?.channelId === channelId) this.#forget(messageId)
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#held.clear()
    this.#sizeChars = 0
    this.#stopTimer()
  }

  #forget(messageId: string): void {
    this.#sizeChars -= this.#held.get(messageId)?.chunk.length ?? 0
    this.#held.delete(messageId)
  }

  /** Streams of which nothing came are held to no window any more. */
  #endWindow(): void {
    this.#timer = undefined
    const held = this.#take()
    this.#held.clear()
    for (const { messageId } of held) this.#held.set(messageId, undefined)
    if (held.length === 0) return
    this.#timer = setTimeout(() => this.#endWindow(), WINDOW_MS)
    this.#sendAll(held)
  }

  #take(): readonly StreamChunk[] {
    this.#sizeChars = 0
    return [...this.#held.values()].filter((chunk) => chunk !== undefined)
  }

  #sendAll(chunks: readonly StreamChunk[]): void {
    if (chunks.length > 0) this.#send(chunks.map(chunkPacket))
  }

  #stopTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
