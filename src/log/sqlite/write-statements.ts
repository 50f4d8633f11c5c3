import type { Database, Statement } from 'better-sqlite3'
import type { StoredId } from './id-codec.ts'
import type { ChannelColumns } from './rows.ts'
import { SHOWN } from './schema.ts'

type Change<Parameters extends unknown[]> = Statement<Parameters, never>

/** The columns of an entry in the order of its insert; JavaScript knows no faster way than positions. */
export type EntryValues = [
  channelKey: number,
  seq: number,
  id: StoredId,
  kind: number,
  at: number,
  authorId: StoredId | null,
  clientMessageId: StoredId | null,
  messageSeq: number | null,
  isAwaited: 1 | null,
  data: string | null,
]

/** Every change, and the reads that only the writer needs, prepared once. */
export interface WriteStatements {
  readonly begin: Change<[]>
  readonly commit: Change<[]>
  readonly rollback: Change<[]>
  readonly liveDm: Statement<[string], ChannelColumns>
  readonly unsweptChannel: Statement<[], ChannelColumns>
  readonly lastOrder: Statement<[], { readonly place: number | null }>
  readonly insertChannel: Change<[Omit<ChannelColumns, 'key'>]>
  readonly saveChannel: Change<[ChannelColumns]>
  readonly saveParticipant: Change<[number, number, string, number]>
  readonly removeParticipant: Change<[number, string]>
  readonly removeParticipants: Change<[number]>
  readonly keysAsPerson: Statement<[string, number], number>
  readonly anAgent: Statement<[number], 1>
  readonly insertPosting: Change<EntryValues>
  readonly insertEntry: Change<EntryValues>
  readonly saveBody: Change<[string | null, number, number, number]>
  readonly eraseBodies: Change<[number, number, number]>
  readonly dropDeadServer: Change<[string]>
  readonly saveServer: Change<[string, string, string, string | null, number]>
  readonly serverAgent: Statement<[string, string], 1>
  readonly addServerAgent: Change<[string, string]>
  readonly removeServerAgent: Change<[string, string]>
  readonly removeServerAgents: Change<[string]>
}

const INSERT_ENTRY = `INSERT INTO entries (channel_key, seq, id, kind, at, author_id,
  client_message_id, message_seq, is_awaited, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

export function prepareWrites(database: Database): WriteStatements {
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    rollback: database.prepare('ROLLBACK'),
    liveDm: database.prepare('SELECT * FROM channels WHERE dm_key = ?'),
    unsweptChannel: database.prepare(
      'SELECT * FROM channels WHERE swept_seq < cleared_seq ORDER BY key LIMIT 1',
    ),
    lastOrder: database.prepare('SELECT max(place) AS place FROM channels'),
    insertChannel: database.prepare(
      `INSERT INTO channels (id, server_id, type, words, created_at, updated_at, created_by, place,
        dm_key, is_live, has_agents, cleared_seq, swept_seq, visibility, owner_id, participant_count)
      VALUES (:id, :server_id, :type, :words, :created_at, :updated_at, :created_by, :place,
        :dm_key, :is_live, :has_agents, :cleared_seq, :swept_seq, :visibility, :owner_id,
        :participant_count)`,
    ),
    saveChannel: database.prepare(
      `UPDATE channels SET server_id = :server_id, type = :type, words = :words,
        created_at = :created_at, updated_at = :updated_at, created_by = :created_by,
        place = :place, dm_key = :dm_key, is_live = :is_live, has_agents = :has_agents, cleared_seq = :cleared_seq,
        swept_seq = :swept_seq, visibility = :visibility, owner_id = :owner_id,
        participant_count = :participant_count
      WHERE key = :key AND id = :id`,
    ),
    ...prepareParticipantWrites(database),
    ...prepareEntryWrites(database),
    ...prepareServerWrites(database),
  }
}

function prepareParticipantWrites(
  database: Database,
): Pick<
  WriteStatements,
  'saveParticipant' | 'removeParticipant' | 'removeParticipants' | 'keysAsPerson' | 'anAgent'
> {
  return {
    saveParticipant: database.prepare(
      `INSERT INTO participants (channel_key, place, entity_id, is_agent, joined_place) VALUES (?,
        (SELECT coalesce(max(place), 0) + 1 FROM participants WHERE channel_key = ?), ?, ?,
        (SELECT coalesce(max(place), 0) FROM entries))
      ON CONFLICT (channel_key, entity_id) DO UPDATE SET is_agent = excluded.is_agent`,
    ),
    removeParticipant: database.prepare(
      'DELETE FROM participants WHERE channel_key = ? AND entity_id = ?',
    ),
    removeParticipants: database.prepare('DELETE FROM participants WHERE channel_key = ?'),
    keysAsPerson: database
      .prepare<[string, number], number>(
        `SELECT channel_key FROM participants WHERE entity_id = ? AND is_agent = 0
        ORDER BY channel_key DESC LIMIT ?`,
      )
      .pluck(),
    anAgent: database
      .prepare<[number], 1>(
        'SELECT 1 FROM participants WHERE channel_key = ? AND is_agent = 1 LIMIT 1',
      )
      .pluck(),
  }
}

function prepareEntryWrites(
  database: Database,
): Pick<WriteStatements, 'insertPosting' | 'insertEntry' | 'saveBody' | 'eraseBodies'> {
  return {
    insertPosting: database.prepare(`${INSERT_ENTRY} ON CONFLICT DO NOTHING`),
    insertEntry: database.prepare(INSERT_ENTRY),
    saveBody: database.prepare(
      `UPDATE entries SET data = ?, updated_at = ? WHERE channel_key = ? AND seq = ? AND ${SHOWN}`,
    ),
    eraseBodies: database.prepare(
      `UPDATE entries SET data = NULL WHERE channel_key = ? AND seq > ? AND seq <= ? AND ${SHOWN}`,
    ),
  }
}

function prepareServerWrites(
  database: Database,
): Pick<
  WriteStatements,
  | 'dropDeadServer'
  | 'saveServer'
  | 'serverAgent'
  | 'addServerAgent'
  | 'removeServerAgent'
  | 'removeServerAgents'
> {
  return {
    dropDeadServer: database.prepare('DELETE FROM servers WHERE id = ? AND is_live = 0'),
    saveServer: database.prepare(
      `INSERT INTO servers (id, server, created_by, removed_by, is_live) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET server = excluded.server, created_by = excluded.created_by,
        removed_by = excluded.removed_by, is_live = excluded.is_live`,
    ),
    serverAgent: database
      .prepare<[string, string], 1>(
        'SELECT 1 FROM server_agents WHERE server_id = ? AND agent_id = ?',
      )
      .pluck(),
    addServerAgent: database.prepare(
      'INSERT INTO server_agents (server_id, agent_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    removeServerAgent: database.prepare(
      'DELETE FROM server_agents WHERE server_id = ? AND agent_id = ?',
    ),
    removeServerAgents: database.prepare('DELETE FROM server_agents WHERE server_id = ?'),
  }
}
