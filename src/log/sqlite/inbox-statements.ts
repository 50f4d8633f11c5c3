import type { Database, Statement } from 'better-sqlite3'
import type { Cursor, FailureState } from '../engine/inbox-store.ts'
import type { ChannelAgent } from '../engine.ts'
import type { SizedEntryColumns } from './entry-reads.ts'
import type { StoredId } from './id-codec.ts'
import { SHOWN } from './schema.ts'

interface Range {
  readonly agentId: string
  /** The same as an author is stored. */
  readonly author: StoredId
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

export interface PlacedColumns extends SizedEntryColumns {
  readonly place: number
}

export interface ListedFailureColumns {
  readonly message_id: StoredId
  readonly channel_id: string
  readonly place: number
  readonly state: number
  readonly attempts: number
  readonly at: number
  readonly reason: string
}

/** Named parameters of a failure's row, and the row. */
export interface FailureColumns {
  readonly agent_id: string
  readonly place: number
  readonly channel_key: number
  readonly seq: number
  readonly state: number
  readonly attempts: number
  readonly at: number
  readonly changed_by: string | null
  readonly reason: string
}

/** A state's index is what the database holds: append, never reorder. */
export const FAILURE_STATES: readonly FailureState[] = [
  'failed',
  'retried',
  'discarded',
  'cancelled',
]
export const RETRIED = 1
/** This and what follows it is in no list. */
const DISCARDED = 2
const CANCELLED = 3

export interface InboxReads {
  readonly newestPlace: Statement<[], number | null>
  readonly agentsIn: Statement<[number, number], ChannelAgent>
  /** To be read one by one, like those of `EntryReads`. */
  readonly inbox: Statement<[Range], PlacedColumns>
  readonly retried: Statement<[Omit<Range, 'author'>], PlacedColumns>
  readonly failures: Statement<[string, number, number], ListedFailureColumns>
  readonly cancelled: Statement<[string, number, number], number>
}

const COLUMNS = `entries.place, entries.channel_key, entries.seq, entries.id, kind, entries.at, author_id,
  client_message_id, message_seq, entries.updated_at, is_awaited, data, octet_length(data) AS bytes`
const TAKING_PART = `CROSS JOIN participants ON participants.channel_key = entries.channel_key
    AND entity_id = :agentId`
/** What was said before the agent took part is not for it. */
const SINCE_IT_CAME = 'entries.place > joined_place'
/** Last, because it reads a whole row: by then little is left. */
const NOT_CLEARED = `CROSS JOIN channels ON channels.key = entries.channel_key AND entries.seq > cleared_seq`

/** The order of the joins is the order of what they cost for those that they leave out. */
export function prepareInboxReads(database: Database): InboxReads {
  return {
    newestPlace: database
      .prepare<[], number | null>('SELECT max(place) AS place FROM entries')
      .pluck(),
    agentsIn: database.prepare(`SELECT agent_id AS agentId, joined_place AS joinedPlace
      FROM (SELECT entity_id, joined_place FROM participants
        WHERE channel_key = ? AND is_agent = 1 ORDER BY place LIMIT ?)
      CROSS JOIN agent_cursors ON agent_id = entity_id`),
    inbox: database.prepare(`SELECT ${COLUMNS} FROM entries ${TAKING_PART} ${NOT_CLEARED}
      WHERE entries.place > :after AND entries.place <= :upTo AND ${SHOWN} AND author_id <> :author
        AND ${SINCE_IT_CAME}
      ORDER BY entries.place LIMIT :limit`),
    retried: database.prepare(`SELECT ${COLUMNS} FROM agent_failures AS failure
      CROSS JOIN entries ON entries.place = failure.place ${TAKING_PART} ${NOT_CLEARED}
      WHERE failure.agent_id = :agentId AND failure.state = ${RETRIED}
        AND failure.place > :after AND failure.place <= :upTo AND ${SHOWN}
      ORDER BY failure.place LIMIT :limit`),
    failures: database.prepare(`SELECT entries.id AS message_id, channels.id AS channel_id,
        failure.place, failure.state, failure.attempts, failure.at, failure.reason
      FROM agent_failures AS failure CROSS JOIN entries ON entries.place = failure.place ${NOT_CLEARED}
      WHERE failure.agent_id = ? AND failure.place < ? AND failure.state < ${DISCARDED} AND ${SHOWN}
      ORDER BY failure.place DESC LIMIT ?`),
    cancelled: database
      .prepare<[string, number, number], number>(`SELECT place FROM agent_failures
        WHERE agent_id = ? AND state = ${CANCELLED} AND place > ? AND place <= ?`)
      .pluck(),
  }
}

interface AwaitedColumns {
  readonly place: number
  readonly channel_key: number
  readonly seq: number
  readonly id: StoredId
  readonly author_id: StoredId
}

type Change<Parameters extends unknown[]> = Statement<Parameters, never>

export interface InboxWrites {
  readonly cursor: Statement<[string], Cursor>
  readonly placeOf: Statement<[StoredId], number>
  readonly awaited: Statement<[number], AwaitedColumns>
  readonly cursors: Statement<[], { readonly id: string; readonly place: number }>
  readonly passedOver: Statement<[], { readonly id: string; readonly place: number }>
  readonly passedUpTo: Statement<[string], number>
  readonly passOver: Change<[number, string]>
  readonly saveCursor: Change<[string, number, string | null]>
  readonly failureOf: Statement<[StoredId, string], FailureColumns>
  readonly saveFailure: Change<[FailureColumns]>
  readonly removeCursor: Change<[string]>
  readonly removeFailure: Change<[string, number]>
  readonly removeFailures: Change<[string]>
  readonly failureCount: Statement<[string], number>
  readonly dropOldestFailures: Change<[string, string, number]>
  readonly forgetDiscarded: Change<[string, string, number, number]>
  readonly forgetCancelled: Change<[string, number]>
  readonly eraseFailures: Change<[number, number, number]>
}

export function prepareInboxWrites(database: Database): InboxWrites {
  return {
    cursor: database.prepare(
      'SELECT place, settled_by AS settledBy FROM agent_cursors WHERE agent_id = ?',
    ),
    awaited: database.prepare(`SELECT place, channel_key, seq, id, author_id FROM entries
      WHERE place > ? AND is_awaited = 1 ORDER BY place`),
    placeOf: database.prepare<[StoredId], number>('SELECT place FROM entries WHERE id = ?').pluck(),
    cursors: database.prepare('SELECT agent_id AS id, place FROM agent_cursors'),
    passedOver: database.prepare(
      'SELECT agent_id AS id, passed_over AS place FROM agent_cursors WHERE passed_over > 0',
    ),
    passedUpTo: database
      .prepare<[string], number>('SELECT passed_over FROM agent_cursors WHERE agent_id = ?')
      .pluck(),
    passOver: database.prepare('UPDATE agent_cursors SET passed_over = ? WHERE agent_id = ?'),
    saveCursor:
      database.prepare(`INSERT INTO agent_cursors (agent_id, place, settled_by) VALUES (?, ?, ?)
      ON CONFLICT (agent_id) DO UPDATE SET place = excluded.place, settled_by = excluded.settled_by`),
    failureOf: database.prepare(`SELECT failure.* FROM entries
      CROSS JOIN agent_failures AS failure ON failure.place = entries.place
      WHERE entries.id = ? AND failure.agent_id = ?`),
    removeCursor: database.prepare('DELETE FROM agent_cursors WHERE agent_id = ?'),
    removeFailure: database.prepare('DELETE FROM agent_failures WHERE agent_id = ? AND place = ?'),
    removeFailures: database.prepare('DELETE FROM agent_failures WHERE agent_id = ?'),
    // Named, because every settle asks, and by the key it would step over all that the agent gave up.
    forgetCancelled: database.prepare(`DELETE FROM agent_failures INDEXED BY agent_failures_state
      WHERE agent_id = ? AND state = ${CANCELLED} AND place <= ?`),
    eraseFailures: database.prepare(
      'DELETE FROM agent_failures WHERE channel_key = ? AND seq > ? AND seq <= ?',
    ),
    ...prepareFailureWrites(database),
  }
}

function prepareFailureWrites(
  database: Database,
): Pick<InboxWrites, 'saveFailure' | 'failureCount' | 'dropOldestFailures' | 'forgetDiscarded'> {
  const ofAgent = 'agent_failures WHERE agent_id = ?'
  return {
    saveFailure: database.prepare(`INSERT INTO agent_failures (agent_id, place, channel_key, seq,
        state, attempts, at, changed_by, reason)
      VALUES (:agent_id, :place, :channel_key, :seq, :state, :attempts, :at, :changed_by, :reason)
      ON CONFLICT (agent_id, place) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,
        at = excluded.at, changed_by = excluded.changed_by,
        reason = excluded.reason`),
    failureCount: database
      .prepare<[string], number>(`SELECT count(*) FROM ${ofAgent} AND state < ${DISCARDED}`)
      .pluck(),
    // `+`: in the order of the key, instead of sorting all of them for a few.
    dropOldestFailures: database.prepare(`DELETE FROM ${ofAgent} AND place IN
      (SELECT place FROM ${ofAgent} AND +state < ${DISCARDED} ORDER BY place LIMIT ?)`),
    forgetDiscarded: database.prepare(`DELETE FROM ${ofAgent} AND place IN
      (SELECT place FROM ${ofAgent} AND state = ${DISCARDED} AND at < ? ORDER BY place LIMIT ?)`),
  }
}
