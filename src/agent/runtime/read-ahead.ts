import type { InboxItem } from '../../log/inbox.ts'
import type { RuntimeLimits } from './limits.ts'

type ReadAheadLimits = Pick<RuntimeLimits, 'readAhead' | 'channelReadAhead' | 'maxThroughAhead'>

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
  /** Places that are through above the cursor; those below it are left out when the room is counted. */
  #through: number[] = []
  #count = 0
  /** Everything up to this place was read. */
  after: number

  constructor(after: number, limits: ReadAheadLimits) {
    this.after = after
    this.#limits = limits
  }

  /** How many more may be held; 0 until there is room enough to be worth a read. */
  get room(): number {
    const room = Math.min(this.#limits.readAhead - this.#count, this.#roomAhead())
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

  /**
   * The lowest place from which a channel is behind that has nothing to do. None while as much is through ahead of
   * what is held as may be.
   */
  hungryFrom(): number | undefined {
    let lowest: number | undefined
    for (const [channelId, from] of this.#behind) {
      if (!this.#held.has(channelId) && from < (lowest ?? Infinity)) lowest = from
    }
    if (lowest === undefined || this.#roomAhead() > 0) return lowest
    return lowest === this.settledUpTo + 1 ? lowest : undefined
  }

  /** Holds the message, or notes that its channel is behind from there; false where it is not held. */
  offer(item: InboxItem): boolean {
    if (this.#behind.has(item.channel.id)) return false
    if (this.#hold(item)) return true
    this.#behind.set(item.channel.id, item.place)
    return false
  }

  /**
   * Holds what was passed over and may be held now, of messages that are all that the agent has from a place
   * on up to another; answers which. A channel that is behind from before that is left for another time.
   */
  catchUp(
    items: readonly InboxItem[],
    range: { readonly from: number; readonly upTo: number },
  ): readonly InboxItem[] {
    const end = this.after
    const waiting = new Map([...this.#behind].filter(([, from]) => from >= range.from))
    const held: InboxItem[] = []
    for (const item of items) {
      const from = waiting.get(item.channel.id)
      if (from === undefined || item.place < from || item.place > end) continue
      // The first in any case: it may be the oldest, for which all others wait.
      const isRoom = held.length === 0 || this.#roomAhead() > 0
      if (isRoom && this.#hold(item)) held.push(item)
      else {
        this.#behind.set(item.channel.id, item.place)
        waiting.delete(item.channel.id)
      }
    }
    for (const [channelId, from] of waiting) {
      if (range.upTo >= end) this.#behind.delete(channelId)
      else this.#behind.set(channelId, Math.max(from, range.upTo + 1))
    }
    return held
  }

  /** How many more may be held so that there are no more than may be ahead when all but the oldest are through. */
  #roomAhead(): number {
    const most = this.#limits.maxThroughAhead - this.#count
    if (this.#through.length >= most - this.#limits.readAhead) {
      const cursor = this.settledUpTo
      this.#through = this.#through.filter((place) => place > cursor)
    }
    return most - this.#through.length
  }

  /** Holds the message where its channel may hold one more: the first in any case. */
  #hold({ place, channel }: InboxItem): boolean {
    const places = this.#held.get(channel.id) ?? new Set()
    const { readAhead, channelReadAhead } = this.#limits
    const isOwed = places.size < channelReadAhead && this.#count < readAhead
    if (places.size > 0 && !isOwed && this.#count >= readAhead / 2) return false
    this.#held.set(channel.id, places.add(place))
    this.#count += 1
    return true
  }

  /** The message is through. */
  release({ place, channel }: InboxItem): void {
    const places = this.#held.get(channel.id)
    if (places?.delete(place) !== true) return
    this.#count -= 1
    this.#through.push(place)
    if (places.size === 0) this.#held.delete(channel.id)
  }
}
