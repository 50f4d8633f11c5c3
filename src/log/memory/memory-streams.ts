import type { ClientKey } from '../engine/store.ts'
import type { StreamRecord, StreamStore } from '../engine/stream-store.ts'

/** The streams that go on, in this process. */
export class MemoryStreams implements StreamStore {
  readonly #streams = new Map<string, StreamRecord>()

  count(): number {
    return this.#streams.size
  }

  all(): readonly StreamRecord[] {
    return [...this.#streams.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  stream(id: string): StreamRecord | undefined {
    return this.#streams.get(id)
  }

  named({ channelKey, authorId, clientMessageId }: ClientKey): StreamRecord | undefined {
    for (const one of this.#streams.values()) {
      const isOfAuthor = one.channelKey === channelKey && one.authorId === authorId
      if (isOfAuthor && one.name === clientMessageId) return one
    }
    return undefined
  }

  insert(stream: StreamRecord): void {
    this.#streams.set(stream.id, stream)
  }

  saveText(id: string, text: string): void {
    this.#change(id, { text })
  }

  cancel(id: string): void {
    this.#change(id, { isCancelled: true })
  }

  remove(id: string): void {
    this.#streams.delete(id)
  }

  removeOfChannel(channelKey: number): void {
    for (const one of this.#streams.values()) {
      if (one.channelKey === channelKey) this.#streams.delete(one.id)
    }
  }

  #change(id: string, change: Partial<StreamRecord>): void {
    const stream = this.#streams.get(id)
    if (stream !== undefined) this.#streams.set(id, { ...stream, ...change })
  }
}
