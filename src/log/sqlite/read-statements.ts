import type { Database, Statement } from 'better-sqlite3'
import type { StoredId } from './id-codec.ts'
import { POSTED } from './rows.ts'
import type { ChannelColumns, EntryColumns, ParticipantColumns, ServerColumns } from './rows.ts'

type Query<Parameters extends unknown[], Row> = Statement<Parameters, Row>

/** Every question that a reader asks, prepared once. All lists are bounded by a `LIMIT` or a key. */
export interface ReadStatements {
  readonly begin: Query<[], never>
  readonly end: Query<[], never>
  readonly channel: Query<[string], ChannelColumns>
  readonly channelByKey: Query<[number], ChannelColumns>
  readonly channels: Query<[number], ChannelColumns>
  readonly channelsOfServer: Query<[string, number], ChannelColumns>
  readonly participants: Query<[number], ParticipantColumns>
  readonly tail: Query<[number], { readonly seq: number; readonly at: number }>
  readonly entry: Query<[number, number], EntryColumns>
  readonly entryById: Query<[StoredId], EntryColumns>
  readonly entries: Query<[number, number, number, number], EntryColumns>
  readonly postings: Query<[number, number, number, number], EntryColumns>
  readonly server: Query<[string], ServerColumns>
  readonly servers: Query<[number], ServerColumns>
  readonly serverAgents: Query<[string], { readonly agent_id: string }>
  readonly agentServers: Query<[string], { readonly server_id: string }>
}

const ENTRY = `SELECT channel_key, seq, id, kind, at, author_id, client_message_id, message_seq,
  updated_at, data FROM entries`

export function prepareReads(database: Database): ReadStatements {
  return {
    begin: database.prepare('BEGIN'),
    end: database.prepare('COMMIT'),
    channel: database.prepare('SELECT * FROM channels WHERE id = ?'),
    channelByKey: database.prepare('SELECT * FROM channels WHERE key = ?'),
    channels: database.prepare(
      'SELECT * FROM channels WHERE is_live = 1 ORDER BY place DESC LIMIT ?',
    ),
    channelsOfServer: database.prepare(
      'SELECT * FROM channels WHERE is_live = 1 AND server_id = ? ORDER BY place DESC LIMIT ?',
    ),
    participants: database.prepare(
      'SELECT entity_id, is_agent FROM participants WHERE channel_key = ? ORDER BY place',
    ),
    tail: database.prepare(
      'SELECT seq, at FROM entries WHERE channel_key = ? ORDER BY seq DESC LIMIT 1',
    ),
    entry: database.prepare(`${ENTRY} WHERE channel_key = ? AND seq = ?`),
    entryById: database.prepare(`${ENTRY} WHERE id = ?`),
    entries: database.prepare(
      `${ENTRY} WHERE channel_key = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
    ),
    postings: database.prepare(
      `${ENTRY} WHERE channel_key = ? AND seq > ? AND seq < ? AND kind = ${POSTED}
        AND data IS NOT NULL ORDER BY seq DESC LIMIT ?`,
    ),
    server: database.prepare('SELECT * FROM servers WHERE id = ?'),
    servers: database.prepare(
      'SELECT * FROM servers WHERE is_live = 1 ORDER BY place DESC LIMIT ?',
    ),
    serverAgents: database.prepare(
      'SELECT agent_id FROM server_agents WHERE server_id = ? ORDER BY place',
    ),
    agentServers: database.prepare(
      'SELECT server_id FROM server_agents WHERE agent_id = ? ORDER BY place',
    ),
  }
}
