import type { Database, Statement } from 'better-sqlite3'
import type { StoredId } from './id-codec.ts'
import { EDITED, PARTICIPANTS, UPDATED } from './rows.ts'
import type { EntryColumns } from './rows.ts'
import { REST, SHOWN } from './schema.ts'

interface InChannel {
  readonly channelKey: number
}

interface Numbered extends InChannel {
  readonly seq: number
}

interface Span extends InChannel {
  readonly after: number
  readonly upTo: number
  readonly clearedSeq: number
  readonly channelBytes: number
}

interface Below extends InChannel {
  readonly above: number
  readonly below: number
  readonly limit: number
}

/** A row of a list, with the bytes that it counts towards the list's bound. */
export interface SizedEntryColumns extends EntryColumns {
  readonly bytes: number
}

/** Every question about entries. Those by number name `SHOWN` or `REST`, without which no index serves them. */
export interface EntryReads {
  readonly tail: Statement<[InChannel], { readonly seq: number; readonly at: number }>
  readonly entry: Statement<[Numbered], EntryColumns>
  readonly entryTime: Statement<[Numbered], number>
  readonly entryById: Statement<[StoredId], EntryColumns>
  /** To be read one by one: whoever does stops where the bound is, and what is behind it is never loaded. */
  readonly entries: Statement<[Span], SizedEntryColumns>
  readonly postings: Statement<[Below], SizedEntryColumns>
  readonly aPosting: Statement<[Omit<Below, 'limit'>], 1>
}

const META = `channel_key, seq, id, kind, at, author_id, client_message_id, message_seq, updated_at,
  is_awaited`
const IN_CHANNEL = 'FROM entries WHERE channel_key = :channelKey'
const ONE = `${IN_CHANNEL} AND seq = :seq`
const SPAN = `${IN_CHANNEL} AND seq > :after AND seq <= :upTo`
const BELOW = `${IN_CHANNEL} AND seq > :above AND seq < :below AND ${SHOWN}`

/** Lengths come from the rows' headers: a body that is only measured is not read from the file. */
const LENGTH = 'coalesce(octet_length(data), 0)'
const EDITED_LENGTH = `coalesce((SELECT octet_length(data) FROM entries WHERE
  channel_key = :channelKey AND seq = edit.message_seq AND seq > :clearedSeq AND ${SHOWN}), 0)`

const CHANNEL_LENGTH = `iif(kind IN (${UPDATED}, ${PARTICIPANTS}), :channelBytes, 0)`

export function prepareEntryReads(database: Database): EntryReads {
  return {
    tail: database.prepare(`SELECT seq, at ${IN_CHANNEL} AND ${SHOWN}
      UNION ALL SELECT seq, at ${IN_CHANNEL} AND ${REST} ORDER BY seq DESC LIMIT 1`),
    entry: database.prepare(`SELECT ${META}, data ${ONE} AND ${SHOWN}
      UNION ALL SELECT ${META}, data ${ONE} AND ${REST}`),
    entryTime: database
      .prepare<[Numbered], number>(
        `SELECT at ${ONE} AND ${SHOWN} UNION ALL SELECT at ${ONE} AND ${REST}`,
      )
      .pluck(),
    entryById: database.prepare(`SELECT ${META}, data FROM entries WHERE id = ?`),
    ...prepareLists(database),
  }
}

function prepareLists(database: Database): Pick<EntryReads, 'entries' | 'postings' | 'aPosting'> {
  return {
    entries: database.prepare(`
      SELECT ${META}, iif(seq > :clearedSeq, data, NULL) AS data,
        iif(seq > :clearedSeq, ${LENGTH}, 0) AS bytes ${SPAN} AND ${SHOWN}
      UNION ALL SELECT ${META}, data,
        iif(kind = ${EDITED}, ${EDITED_LENGTH}, ${LENGTH} + ${CHANNEL_LENGTH})
        ${SPAN.replace('entries', 'entries AS edit')} AND ${REST} ORDER BY seq`),
    aPosting: database.prepare<[Omit<Below, 'limit'>], 1>(`SELECT 1 ${BELOW} LIMIT 1`).pluck(),
    postings: database.prepare(
      `SELECT ${META}, data, ${LENGTH} AS bytes ${BELOW} ORDER BY seq DESC LIMIT :limit`,
    ),
  }
}
