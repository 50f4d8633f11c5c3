import type { Database } from 'better-sqlite3'
import type {
  AwaitedRow,
  Cursor,
  FailureRecord,
  InboxReadStore,
  InboxStore,
  PlacedRow,
  PlacedRows,
  PlaceRange,
} from '../engine/inbox-store.ts'
import type { EntryRow } from '../engine/records.ts'
import type { RowSpan } from '../engine/store.ts'
import type { ChannelAgent } from '../engine.ts'
import type { Failure, FailureQuery } from '../inbox.ts'
import { decodeId, encodeId } from './id-codec.ts'
import {
  FAILURE_STATES,
  prepareInboxReads,
  prepareInboxWrites,
  RETRIED,
} from './inbox-statements.ts'
import type {
  FailureColumns,
  InboxReads,
  InboxWrites,
  ListedFailureColumns,
  PlacedColumns,
} from './inbox-statements.ts'
import { decodeEntry } from './rows.ts'
import type { EntryColumns } from './rows.ts'

/** The reads for agents over one connection. */
export class SqliteInboxReads implements InboxReadStore {
  readonly #reads: InboxReads

  constructor(database: Database) {
    this.#reads = prepareInboxReads(database)
  }

  newestPlace(): number {
    return this.#reads.newestPlace.get() ?? 0
  }

  agentsIn(channelKey: number, limit: number): readonly ChannelAgent[] {
    return this.#reads.agentsIn.all(channelKey, limit)
  }

  postings({ maxBytes, limit, ...range }: PlaceRange): PlacedRows {
    const author = encodeId(range.agentId)
    // One more than wanted tells whether there is more.
    const rows = this.#reads.inbox.iterate({ ...range, author, limit: limit + 1 })
    return fitting(rows, { maxBytes, limit })
  }

  retried({ maxBytes, limit, ...range }: PlaceRange): PlacedRows {
    const rows = this.#reads.retried.iterate({ ...range, limit: limit + 1 })
    return fitting(rows, { maxBytes, limit })
  }

  failures(agentId: string, { limit, before = Number.MAX_SAFE_INTEGER }: FailureQuery): Failure[] {
    const listed = this.#reads.failures.all(agentId, before, limit)
    return listed.map((columns) => decodeListed(columns))
  }

  cancelled(agentId: string, after: number, upTo: number): ReadonlySet<number> {
    return new Set(this.#reads.cancelled.all(agentId, after, upTo))
  }
}

/** The writes for agents. Nothing is cached: a settle reads and writes one row each of small tables. */
export class SqliteInbox extends SqliteInboxReads implements InboxStore {
  readonly #writes: InboxWrites
  readonly #entryAt: (place: number) => EntryColumns | undefined

  constructor(database: Database) {
    super(database)
    this.#writes = prepareInboxWrites(database)
    const entryAt = database.prepare<[number], EntryColumns>(
      'SELECT * FROM entries WHERE place = ?',
    )
    this.#entryAt = (place) => entryAt.get(place)
  }

  cursor(agentId: string): Cursor | undefined {
    return this.#writes.cursor.get(agentId)
  }

  cursors(): ReadonlyMap<string, number> {
    return new Map(this.#writes.cursors.all().map(({ id, place }) => [id, place]))
  }

  saveCursor(agentId: string, { place, settledBy }: Cursor): void {
    this.#writes.saveCursor.run(agentId, place, settledBy)
  }

  removeCursor(agentId: string): void {
    this.#writes.removeCursor.run(agentId)
  }

  passedOver(): ReadonlyMap<string, number> {
    return new Map(this.#writes.passedOver.all().map(({ id, place }) => [id, place]))
  }

  passedUpTo(agentId: string): number {
    return this.#writes.passedUpTo.get(agentId) ?? 0
  }

  passOver(agentId: string, upTo: number): void {
    this.#writes.passOver.run(upTo, agentId)
  }

  entryAt(place: number): EntryRow | undefined {
    const columns = this.#entryAt(place)
    return columns && decodeEntry(columns)
  }

  awaited(after: number): readonly AwaitedRow[] {
    return this.#writes.awaited.all(after).map(({ place, channel_key, seq, id, author_id }) => ({
      place,
      seq,
      channelKey: channel_key,
      id: decodeId(id),
      authorId: decodeId(author_id),
    }))
  }

  placeOf(id: string): number | undefined {
    return this.#writes.placeOf.get(encodeId(id))
  }

  failureOf(agentId: string, messageId: string): FailureRecord | undefined {
    const columns = this.#writes.failureOf.get(encodeId(messageId), agentId)
    return columns && decodeFailure(columns)
  }

  saveFailure(failure: FailureRecord): void {
    this.#writes.saveFailure.run({
      agent_id: failure.agentId,
      place: failure.place,
      channel_key: failure.channelKey,
      seq: failure.seq,
      state: FAILURE_STATES.indexOf(failure.state),
      attempts: failure.attempts,
      at: failure.at,
      changed_by: failure.changedBy,
      reason: failure.reason,
    })
  }

  removeFailure(agentId: string, place: number): void {
    this.#writes.removeFailure.run(agentId, place)
  }

  removeFailures(agentId: string): void {
    this.#writes.removeFailures.run(agentId)
  }

  failureCount(agentId: string): number {
    return this.#writes.failureCount.get(agentId) ?? 0
  }

  dropOldestFailures(agentId: string, count: number): void {
    this.#writes.dropOldestFailures.run(agentId, agentId, count)
  }

  forgetDiscarded(agentId: string, atMs: number, limit: number): void {
    this.#writes.forgetDiscarded.run(agentId, agentId, atMs, limit)
  }

  forgetCancelled(agentId: string, upTo: number): void {
    this.#writes.forgetCancelled.run(agentId, upTo)
  }

  eraseFailures({ channelKey, after, upTo }: RowSpan): void {
    this.#writes.eraseFailures.run(channelKey, after, upTo)
  }
}

/** The first rows within the bounds, one in any case where the limit allows it. */
function fitting(
  columns: Iterable<PlacedColumns>,
  { limit, maxBytes }: { readonly limit: number; readonly maxBytes: number },
): PlacedRows {
  const rows: PlacedRow[] = []
  let bytes = 0
  for (const each of columns) {
    bytes += each.bytes
    if (rows.length === limit || (bytes > maxBytes && rows.length > 0)) return { rows, isCut: true }
    rows.push({ ...decodeEntry(each), place: each.place })
  }
  return { rows, isCut: false }
}

function decodeListed(columns: ListedFailureColumns): Failure {
  return {
    messageId: decodeId(columns.message_id),
    channelId: columns.channel_id,
    place: columns.place,
    attempts: columns.attempts,
    reason: columns.reason,
    failedAt: columns.at,
    isRetrying: columns.state === RETRIED,
  }
}

function decodeFailure(columns: FailureColumns): FailureRecord {
  const state = FAILURE_STATES[columns.state]
  if (state === undefined) throw new Error(`failure state ${columns.state} is unknown`)
  return {
    agentId: columns.agent_id,
    place: columns.place,
    channelKey: columns.channel_key,
    seq: columns.seq,
    state,
    attempts: columns.attempts,
    at: columns.at,
    changedBy: columns.changed_by,
    reason: columns.reason,
  }
}
