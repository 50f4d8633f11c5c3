import type { InboxItem } from '../../log/inbox.ts'
import type { RuntimeLimits } from './limits.ts'

type ReadAheadLimits = Pick<RuntimeLimits, 'readAhead' | 'channelReadAhead'>

/** The part of what may be held that a read asks for at least, so that a full reader does not read one by one. */
const LEAST_ROOM = 1 / 32

/**
 * Which messages are held in memory and which are left in the log for later: the bookkeeping of a reader.
 *
 * A channel is *behind* from a place on when what follows there was passed over, because the channel holds as
 * much as it may; it is then read again from that place. Everything that was read and is not through, or was
 * passed over, lies above `settledUpTo`, so a cursor there loses nothing.
 */
export class ReadAhead {
  readonly #limits: ReadAheadLimits
  /** Places of what is held, per channel. */
  readonly #held = new Map<string, Set<number>>()
  readonly #behind = new Map<string, number>()
  #count = 0
  /** Everything up to this place was read. */
  after: number

  constructor(after: number, limits: ReadAheadLimits) {
    this.after = after
    this.#limits = limits
  }

  /** How many more may be held; 0 until there is room enough to be worth a read. */
  get room(): number {
    const room = this.#limits.readAhead - this.#count
    return room < this.#limits.readAhead * LEAST_ROOM ? 0 : room
  }

  /** The place up to which everything is through. */
  get settledUpTo(): number {
    let lowest = this.after + 1
    for (const place of this.#behind.values()) lowest = Math.min(lowest, place)
    for (const places of this.#held.values()) {
      for (const place of places) lowest = Math.min(lowest, place)
    }
    return lowest - 1
  }

  /** A channel that is behind and has nothing to do. */
  hungry(): { readonly channelId: string; readonly from: number } | undefined {
    for (const [channelId, from] of this.#behind) {
      if (!this.#held.has(channelId)) return { channelId, from }
    }
    return undefined
  }

  /** Holds the message, or notes that its channel is behind from there; false where it is not held. */
  offer(item: InboxItem): boolean {
    if (this.#behind.has(item.channel.id)) return false
    if (this.hold(item)) return true
    this.#behind.set(item.channel.id, item.place)
    return false
  }

  /** Holds the message where its channel may hold one more. */
  hold({ place, channel }: InboxItem): boolean {
    const places = this.#held.get(channel.id) ?? new Set()
    const { readAhead, channelReadAhead } = this.#limits
    if (places.size >= channelReadAhead && this.#count >= readAhead / 2) return false
    this.#held.set(channel.id, places.add(place))
    this.#count += 1
    return true
  }

  /** The channel is behind from there on; undefined: no longer. */
  setBehind(channelId: string, from: number | undefined): void {
    if (from === undefined) this.#behind.delete(channelId)
    else this.#behind.set(channelId, from)
  }

  /** The message is through. */
  release({ place, channel }: InboxItem): void {
    const places = this.#held.get(channel.id)
    if (places?.delete(place) !== true) return
    this.#count -= 1
    if (places.size === 0) this.#held.delete(channel.id)
  }
}
