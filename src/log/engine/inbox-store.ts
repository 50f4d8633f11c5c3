import type { ChannelAgent } from '../engine.ts'
import type { Failure, FailureQuery } from '../inbox.ts'
import type { EntryRow } from './records.ts'
import type { Page, RowSpan } from './store.ts'

export interface PlacedRow extends EntryRow {
  readonly place: number
}

/**
 * Postings with content, written by others, `after < place ≤ upTo`, in channels in which the agent takes part since
 * before them.
 */
export interface PlaceRange extends Page {
  readonly agentId: string
  readonly after: number
  readonly upTo: number
}

/** A message that agents were to deal with. */
export type AwaitedRow = Pick<PlacedRow, 'place' | 'channelKey' | 'seq' | 'id' | 'authorId'>

export interface PlacedRows {
  /** Ascending. */
  readonly rows: readonly PlacedRow[]
  /** Whether the page's bounds left out others of the range. */
  readonly isCut: boolean
}

/**
 * `retried`: to be handed out again. `discarded`: in no list, kept for a while to know a repetition. `cancelled`: in
 * no list, kept until the cursor is past it.
 */
export type FailureState = 'failed' | 'retried' | 'discarded' | 'cancelled'

/** A message that an agent gave up, or that it is not to deal with, as stored. */
export interface FailureRecord {
  readonly agentId: string
  readonly place: number
  readonly channelKey: number
  readonly seq: number
  readonly state: FailureState
  readonly attempts: number
  /** Epoch ms; of a discarded one when it was discarded. */
  readonly at: number
  /** The id of the last command that retried or discarded it. */
  readonly changedBy: string | null
  /** Empty once it is discarded. */
  readonly reason: string
}

/** The primitive reads for agents. Rows that were cleared count as erased, swept or not. */
export interface InboxReadStore {
  /** 0 when there is none. */
  newestPlace(): number
  /** Those with a cursor, of the first `limit` agents that came. */
  agentsIn(channelKey: number, limit: number): readonly ChannelAgent[]
  /** Looks at every place of the range. */
  postings(range: PlaceRange): PlacedRows
  /** Likewise, of those that have a retried failure of the agent, at which alone it looks. */
  retried(range: PlaceRange): PlacedRows
  /** Failed and retried ones whose messages are not erased, descending. */
  failures(agentId: string, query: FailureQuery): readonly Failure[]
  /** The places of cancelled ones, `after < place ≤ upTo`. */
  cancelled(agentId: string, after: number, upTo: number): ReadonlySet<number>
}

/** How far an agent is. */
export interface Cursor {
  readonly place: number
  /** The id of the last command that settled something; null before the first. */
  readonly settledBy: string | null
}

/** The place up to which an agent is passed over that nobody runs. */
export const PASSED_ALL = Number.MAX_SAFE_INTEGER

/** The primitive writes for agents. */
export interface InboxStore extends InboxReadStore {
  cursor(agentId: string): Cursor | undefined
  /** Of all agents. */
  cursors(): ReadonlyMap<string, number>
  saveCursor(agentId: string, cursor: Cursor): void
  removeCursor(agentId: string): void
  /** Up to which places messages do not wait for agents, whatever their cursors; of those for which that was said. */
  passedOver(): ReadonlyMap<string, number>
  /** Likewise of one; 0 where it was not said. */
  passedUpTo(agentId: string): number
  /** Of an agent with a cursor. */
  passOver(agentId: string, upTo: number): void
  entryAt(place: number): EntryRow | undefined
  /** Postings behind a place that agents were to deal with, ascending; their bodies are not read. */
  awaited(after: number): readonly AwaitedRow[]
  /** Of the entry with this id. */
  placeOf(id: string): number | undefined
  /** Whatever its state. */
  failureOf(agentId: string, messageId: string): FailureRecord | undefined
  /** Adds or replaces. */
  saveFailure(failure: FailureRecord): void
  removeFailure(agentId: string, place: number): void
  /** All of an agent's, whatever their state. */
  removeFailures(agentId: string): void
  /** Of failed and retried ones. */
  failureCount(agentId: string): number
  /** Removes failed and retried ones, those with the lowest places first. */
  dropOldestFailures(agentId: string, count: number): void
  /** Removes at most `limit` that were discarded before `atMs`. */
  forgetDiscarded(agentId: string, atMs: number, limit: number): void
  /** Removes cancelled ones up to a place. */
  forgetCancelled(agentId: string, upTo: number): void
  /** Removes the failures of all agents for these messages, whatever their state. */
  eraseFailures(span: RowSpan): void
}
