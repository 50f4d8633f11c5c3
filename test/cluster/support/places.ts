import type { SeenEntry } from './journal.ts'

export interface Position {
  readonly epoch: string
  readonly seq: number
}

/** One channel, as a client that means to resume without a gap keeps it in mind. */
class Place {
  isInside = true
  isJoining = false
  /** The next join is to start anew. */
  isAnew = false
  position: Position | undefined
  readonly unacknowledged = new Set<string>()
  /** Own messages that were under way while outside or on the way in: they may be shown beside the order, and move nothing. */
  readonly loose = new Set<string>()

  loosen(): void {
    for (const clientMessageId of this.unacknowledged) this.loose.add(clientMessageId)
  }

  moveTo({ seq, clientMessageId }: SeenEntry): void {
    // Before the first join's answer there is nothing to resume from.
    if (this.position === undefined || !this.isInside || this.isAnew) return
    if (clientMessageId !== undefined && this.loose.has(clientMessageId)) return
    this.position = { ...this.position, seq }
  }
}

/**
 * Where a client is in each of its channels. From asking to leave on the position stands still, since
 * what comes then is no more than the end of what was under way, and the copies of own messages.
 */
export class Places {
  readonly #places: ReadonlyMap<string, Place>

  constructor(channels: readonly string[]) {
    this.#places = new Map(channels.map((channelId) => [channelId, new Place()]))
  }

  get inside(): readonly string[] {
    return [...this.#places.keys()].filter((channelId) => this.isInside(channelId))
  }

  isInside(channelId: string): boolean {
    return this.#places.get(channelId)?.isInside ?? false
  }

  isJoining(channelId: string): boolean {
    return this.#places.get(channelId)?.isJoining ?? false
  }

  positionOf(channelId: string): Position | undefined {
    return this.#places.get(channelId)?.position
  }

  enter(channelId: string, from: 'since' | 'now'): void {
    const place = this.#places.get(channelId)
    if (place === undefined) return
    place.isInside = true
    place.isJoining = true
    if (from === 'now') place.isAnew = true
  }

  /** Answers what to join with. */
  join(channelId: string): Position | undefined {
    const place = this.#places.get(channelId)
    if (place === undefined) return undefined
    place.isJoining = true
    return place.isAnew ? undefined : place.position
  }

  joined(channelId: string, position: Position): void {
    const place = this.#places.get(channelId)
    if (place?.isInside !== true) return
    if (place.isAnew || place.position === undefined) place.loosen()
    place.isJoining = false
    place.isAnew = false
    place.position = position
  }

  leave(channelId: string): void {
    const place = this.#places.get(channelId)
    if (place === undefined) return
    place.isInside = false
    place.isJoining = false
    place.loosen()
  }

  sent(channelId: string, clientMessageId: string): void {
    const place = this.#places.get(channelId)
    place?.unacknowledged.add(clientMessageId)
    if (place?.isInside === false) place.loose.add(clientMessageId)
  }

  acked(channelId: string, clientMessageId: string): void {
    this.#places.get(channelId)?.unacknowledged.delete(clientMessageId)
  }

  saw(entry: SeenEntry): void {
    this.#places.get(entry.channelId)?.moveTo(entry)
  }
}
