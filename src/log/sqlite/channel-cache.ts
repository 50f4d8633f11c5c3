import type { ChannelRecord, ChannelWords, Tail } from '../engine/records.ts'

interface Cached {
  record: ChannelRecord
  tail: Tail
  /** Of the record's words. */
  bytes: number
}

/** What the cache may hold. Past either bound the least recently used channels are dropped. */
export interface CacheBounds {
  readonly maxChannels: number
  /** UTF-8 bytes of all words as JSON; the objects take a few times that. One channel stays in any case. */
  readonly maxBytes: number
}

const CACHE_BOUNDS: CacheBounds = { maxChannels: 10_000, maxBytes: 32 * 1024 * 1024 }

/**
 * The writer's channels in memory, so that a post reads nothing from disk.
 *
 * Only the one writer changes channels, and it changes the row and the cached record together; what was
 * dropped is read again when needed. A deleted channel's words leave with their replacement.
 */
export class ChannelCache {
  readonly #bounds: CacheBounds
  /** Least recently used first. */
  readonly #byId = new Map<string, Cached>()
  readonly #byKey = new Map<number, Cached>()
  /** The sum of `bytes` in the maps, which hold the same. */
  #bytes = 0

  constructor(bounds: Partial<CacheBounds> = {}) {
    this.#bounds = { ...CACHE_BOUNDS, ...bounds }
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
    this.#drop(record.key)
    const cached = { record, tail, bytes: sizeOf(record.words) }
    this.#byId.set(record.id, cached)
    this.#byKey.set(record.key, cached)
    this.#bytes += cached.bytes
    this.#shrink()
  }

  /** Changes a record that is here; one that is not is read when needed. */
  replace(record: ChannelRecord): void {
    const cached = this.#byKey.get(record.key)
    if (cached === undefined) return
    if (cached.record.words !== record.words) {
      const bytes = sizeOf(record.words)
      this.#bytes += bytes - cached.bytes
      cached.bytes = bytes
    }
    cached.record = record
    this.#shrink()
  }

  moveTail(channelKey: number, tail: Tail): void {
    const cached = this.#byKey.get(channelKey)
    if (cached !== undefined) cached.tail = tail
  }

  clear(): void {
    this.#byId.clear()
    this.#byKey.clear()
    this.#bytes = 0
  }

  #shrink(): void {
    const { maxChannels, maxBytes } = this.#bounds
    for (const { record } of this.#byId.values()) {
      const { size } = this.#byId
      if (size === 1 || (size <= maxChannels && this.#bytes <= maxBytes)) return
      this.#drop(record.key)
    }
  }

  #drop(channelKey: number): void {
    const cached = this.#byKey.get(channelKey)
    if (cached === undefined) return
    this.#byId.delete(cached.record.id)
    this.#byKey.delete(channelKey)
    this.#bytes -= cached.bytes
  }
}

function sizeOf(words: ChannelWords): number {
  return Buffer.byteLength(JSON.stringify(words))
}
