import type {
  AwaitedRow,
  Cursor,
  FailureRecord,
  FailureState,
  InboxStore,
  PlacedRow,
  PlacedRows,
  PlaceRange,
} from '../engine/inbox-store.ts'
import type { ChannelAgent } from '../engine.ts'
import type { Participant } from '../../protocol/model.ts'
import type { ChannelRecord, EntryRow } from '../engine/records.ts'
import type { RowSpan } from '../engine/store.ts'
import type { Failure, FailureQuery } from '../inbox.ts'

/** What the inbox needs of the rest of the store. */
export interface MemoryRows {
  newestPlace(): number
  entryAt(place: number): EntryRow | undefined
  placeOf(id: string): number | undefined
  channelByKey(channelKey: number): ChannelRecord | undefined
  takesPart(channelKey: number, entityId: string): boolean
  /** The newest place when it came. */
  joinedPlace(channelKey: number, entityId: string): number
  participants(channelKey: number): readonly Participant[]
}

const isListed = (state: FailureState): boolean => state === 'failed' || state === 'retried'

/** What agents have dealt with, in this process. */
export class MemoryInbox implements InboxStore {
  readonly #rows: MemoryRows
  readonly #cursors = new Map<string, Cursor>()
  readonly #passedOver = new Map<string, number>()
  /** By agent and place. */
  readonly #failures = new Map<string, Map<number, FailureRecord>>()

  constructor(rows: MemoryRows) {
    this.#rows = rows
  }

  newestPlace(): number {
    return this.#rows.newestPlace()
  }

  agentsIn(channelKey: number, limit: number): readonly ChannelAgent[] {
    const agents = this.#rows.participants(channelKey).filter(({ isAgent }) => isAgent)
    return agents.slice(0, limit).flatMap(({ entityId: agentId }) => {
      const joinedPlace = this.#rows.joinedPlace(channelKey, agentId)
      return this.#cursors.has(agentId) ? [{ agentId, joinedPlace }] : []
    })
  }

  postings(range: PlaceRange): PlacedRows {
    const places = Array.from({ length: range.upTo - range.after }, (_, at) => range.after + at + 1)
    const { agentId } = range
    return this.#fitting(places, range, ({ channelKey, authorId, place }) => {
      return authorId !== agentId && place > this.#rows.joinedPlace(channelKey, agentId)
    })
  }

  retried(range: PlaceRange): PlacedRows {
    const places = this.#of(range.agentId)
      .filter(({ state, place }) => state === 'retried' && place > range.after)
      .map(({ place }) => place)
    return this.#fitting(places, range, () => true)
  }

  failures(agentId: string, { limit, before = Number.MAX_SAFE_INTEGER }: FailureQuery): Failure[] {
    return this.#of(agentId)
      .filter(({ state, place }) => isListed(state) && place < before)
      .flatMap((failure) => this.#shown(failure))
      .toReversed()
      .slice(0, limit)
  }

  cancelled(agentId: string, after: number, upTo: number): ReadonlySet<number> {
    const places = this.#of(agentId).flatMap(({ state, place }) =>
      state === 'cancelled' && place > after && place <= upTo ? [place] : [],
    )
    return new Set(places)
  }

  cursor(agentId: string): Cursor | undefined {
    return this.#cursors.get(agentId)
  }

  cursors(): ReadonlyMap<string, number> {
    return new Map([...this.#cursors].map(([agentId, { place }]) => [agentId, place]))
  }

  saveCursor(agentId: string, cursor: Cursor): void {
    this.#cursors.set(agentId, cursor)
  }

  removeCursor(agentId: string): void {
    this.#cursors.delete(agentId)
    this.#passedOver.delete(agentId)
  }

  passedOver(): ReadonlyMap<string, number> {
    return new Map(this.#passedOver)
  }

  passedUpTo(agentId: string): number {
    return this.#passedOver.get(agentId) ?? 0
  }

  passOver(agentId: string, upTo: number): void {
    if (this.#cursors.has(agentId)) this.#passedOver.set(agentId, upTo)
  }

  entryAt(place: number): EntryRow | undefined {
    return this.#rows.entryAt(place)
  }

  awaited(after: number): readonly AwaitedRow[] {
    const places = Array.from({ length: this.newestPlace() }, (_, at) => at + 1)
    return places.slice(Math.max(after, 0)).flatMap((place) => {
      const row = this.#rows.entryAt(place)
      return row?.isAwaited === true ? [{ ...row, place }] : []
    })
  }

  placeOf(id: string): number | undefined {
    return this.#rows.placeOf(id)
  }

  failureOf(agentId: string, messageId: string): FailureRecord | undefined {
    const place = this.#rows.placeOf(messageId)
    return place === undefined ? undefined : this.#failures.get(agentId)?.get(place)
  }

  saveFailure(failure: FailureRecord): void {
    const { agentId, place } = failure
    const failures = this.#failures.get(agentId) ?? new Map<number, FailureRecord>()
    this.#failures.set(agentId, failures)
    failures.set(place, failure)
  }

  removeFailure(agentId: string, place: number): void {
    this.#failures.get(agentId)?.delete(place)
  }

  removeFailures(agentId: string): void {
    this.#failures.delete(agentId)
  }

  failureCount(agentId: string): number {
    return this.#of(agentId).filter(({ state }) => isListed(state)).length
  }

  dropOldestFailures(agentId: string, count: number): void {
    const kept = this.#of(agentId).filter(({ state }) => isListed(state))
    for (const { place } of kept.slice(0, count)) this.removeFailure(agentId, place)
  }

  forgetDiscarded(agentId: string, atMs: number, limit: number): void {
    const old = this.#of(agentId).filter(({ state, at }) => state === 'discarded' && at < atMs)
    for (const { place } of old.slice(0, limit)) this.removeFailure(agentId, place)
  }

  forgetCancelled(agentId: string, upTo: number): void {
    for (const place of this.cancelled(agentId, 0, upTo)) this.removeFailure(agentId, place)
  }

  eraseFailures({ channelKey, after, upTo }: RowSpan): void {
    for (const failures of this.#failures.values()) {
      for (const { place, seq, channelKey: key } of failures.values()) {
        if (key === channelKey && seq > after && seq <= upTo) failures.delete(place)
      }
    }
  }

  /** Ascending. */
  #of(agentId: string): readonly FailureRecord[] {
    const failures = [...(this.#failures.get(agentId)?.values() ?? [])]
    return failures.toSorted((a, b) => a.place - b.place)
  }

  #shown(failure: FailureRecord): readonly Failure[] {
    const { place, attempts, reason, at: failedAt, state } = failure
    const row = this.#content(place)
    const channel = this.#rows.channelByKey(failure.channelKey)
    if (row === undefined || channel === undefined) return []
    const isRetrying = state === 'retried'
    const { id: messageId } = row
    return [{ messageId, channelId: channel.id, place, attempts, reason, failedAt, isRetrying }]
  }

  /** A posting that is not erased. */
  #content(place: number): EntryRow | undefined {
    const row = this.#rows.entryAt(place)
    if (row?.kind !== 'posted' || row.data === null) return undefined
    const { clearedSeq = 0 } = this.#rows.channelByKey(row.channelKey) ?? {}
    return row.seq > clearedSeq ? row : undefined
  }

  #fitting(
    places: readonly number[],
    { agentId, limit, maxBytes }: PlaceRange,
    isWanted: (row: PlacedRow) => boolean,
  ): PlacedRows {
    const rows: PlacedRow[] = []
    let bytes = 0
    for (const place of places) {
      const row = this.#content(place)
      if (row === undefined || !isWanted({ ...row, place })) continue
      if (!this.#rows.takesPart(row.channelKey, agentId)) continue
      bytes += Buffer.byteLength(row.data ?? '')
      if (rows.length === limit || (bytes > maxBytes && rows.length > 0)) {
        return { rows, isCut: true }
      }
      rows.push({ ...row, place })
    }
    return { rows, isCut: false }
  }
}
