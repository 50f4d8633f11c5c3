import type { ChunkRef } from '../agent-work.ts'
import type { LiveStream } from './live-stream.ts'
import { STREAM_LIMITS } from './stream-limits.ts'

/** Streams by id and by channel; their texts are bounded together. */
export class LiveStreams {
  readonly #byId = new Map<string, LiveStream>()
  readonly #byChannel = new Map<string, Set<LiveStream>>()
  #chars = 0

  get size(): number {
    return this.#byId.size
  }

  get(messageId: string): LiveStream | undefined {
    return this.#byId.get(messageId)
  }

  all(): readonly LiveStream[] {
    return [...this.#byId.values()]
  }

  /** In the order in which they began. */
  in(channelId: string): readonly LiveStream[] {
    return [...(this.#byChannel.get(channelId) ?? [])]
  }

  add(stream: LiveStream): void {
    const { messageId, channelId } = stream
    const streams = this.#byChannel.get(channelId) ?? new Set()
    this.#byChannel.set(channelId, streams.add(stream))
    this.#byId.set(messageId, stream)
    this.#chars += stream.length
  }

  remove(stream: LiveStream): void {
    const { messageId, channelId } = stream
    if (!this.#byId.delete(messageId)) return
    this.#chars -= stream.length
    const streams = this.#byChannel.get(channelId)
    streams?.delete(stream)
    if (streams?.size === 0) this.#byChannel.delete(channelId)
  }

  /** Whether something of the chunk was new and there was room for it. */
  append(stream: LiveStream, chunk: Omit<ChunkRef, 'messageId'>): boolean {
    const added = stream.append(chunk, STREAM_LIMITS.maxTotalChars - this.#chars)
    this.#chars += added
    return added > 0
  }
}
