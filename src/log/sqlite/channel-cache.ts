import type { ChannelRecord, Tail } from '../engine/records.ts'

interface Cached {
  record: ChannelRecord
  tail: Tail
}

/**
 * The writer's channels in memory, so that a post reads nothing from disk.
 *
 * Only the one writer changes channels, and it changes the row and the cached record together. Past
 * `maxChannels` the least recently used one is dropped and read again when needed.
 */
export class ChannelCache {
  readonly #maxChannels: number
  /** Least recently used first. */
  readonly #byId = new Map<string, Cached>()
  readonly #byKey = new Map<number, Cached>()

  constructor(maxChannels: number) {
    this.#maxChannels = maxChannels
  }

  get size(): number {
    return this.#byId.size
  }

  get(channelId: string): ChannelRecord | undefined {
    const cached = this.#byId.get(channelId)
    if (cached === undefined) return undefined
    this.#byId.delete(channelId)
    this.#byId.set(channelId, cached)
    return cached.record
  }

  getByKey(channelKey: number): ChannelRecord | undefined {
    return this.#byKey.get(channelKey)?.record
  }

  tail(channelKey: number): Tail | undefined {
    return this.#byKey.get(channelKey)?.tail
  }

  add(record: ChannelRecord, tail: Tail): void {
    this.#drop(record)
    for (const oldest of this.#byId.values()) {
      if (this.#byId.size < this.#maxChannels) break
      this.#drop(oldest.record)
    }
    const cached = { record, tail }
    this.#byId.set(record.id, cached)
    this.#byKey.set(record.key, cached)
  }

  /** Changes a record that is here; one that is not is read when needed. */
  replace(record: ChannelRecord): void {
    const cached = this.#byKey.get(record.key)
    if (cached !== undefined) cached.record = record
  }

  moveTail(channelKey: number, tail: Tail): void {
    const cached = this.#byKey.get(channelKey)
    if (cached !== undefined) cached.tail = tail
  }

  clear(): void {
    this.#byId.clear()
    this.#byKey.clear()
  }

  #drop(record: ChannelRecord): void {
    this.#byId.delete(record.id)
    this.#byKey.delete(record.key)
  }
}
