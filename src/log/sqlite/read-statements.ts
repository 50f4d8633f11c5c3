import type { Database, Statement } from 'better-sqlite3'
import { prepareEntryReads } from './entry-reads.ts'
import type { EntryReads } from './entry-reads.ts'
import type { ChannelColumns, ParticipantColumns, ServerColumns, StandingColumns } from './rows.ts'
import { prepareVisible } from './visible-channels.ts'
import type { VisibleStatements } from './visible-channels.ts'

type Query<Parameters extends unknown[], Row> = Statement<Parameters, Row>

/** Every question that a reader asks, prepared once. All lists are bounded by a `LIMIT` or a key. */
export interface ReadStatements extends EntryReads, VisibleStatements {
  readonly begin: Query<[], never>
  readonly end: Query<[], never>
  readonly channel: Query<[string], ChannelColumns>
  readonly channelByKey: Query<[number], ChannelColumns>
  /** Takes the entity twice, then the channel. */
  readonly standing: Query<[string, string, string], StandingColumns>
  readonly channels: Query<[number], ChannelColumns>
  readonly channelsOfServer: Query<[string, number], ChannelColumns>
  /** Bytes of the words of each, in the same order, from the rows' headers: no words are read. */
  readonly channelSizes: Query<[number], number>
  readonly channelSizesOfServer: Query<[string, number], number>
  readonly channelKeysOfServer: Query<[string, number], number>
  readonly participants: Query<[number, number], ParticipantColumns>
  readonly participant: Query<[number, string], ParticipantColumns>
  readonly server: Query<[string], ServerColumns>
  readonly servers: Query<[number], ServerColumns>
  readonly serverSizes: Query<[number], number>
  readonly serverAgents: Query<[string], { readonly agent_id: string }>
  readonly agentServers: Query<[string], { readonly server_id: string }>
}

/** On every read and every join: one statement, so that nothing else has to hold its moment. */
const STANDING = `SELECT type, visibility, owner_id IS ? AS is_owner, EXISTS (SELECT 1 FROM participants
    WHERE channel_key = channels.key AND entity_id = ?) AS is_participant
  FROM channels WHERE id = ? AND is_live = 1`
const LIVE_CHANNELS = 'FROM channels WHERE is_live = 1 ORDER BY place DESC LIMIT ?'
const LIVE_CHANNELS_OF_SERVER =
  'FROM channels WHERE is_live = 1 AND server_id = ? ORDER BY place DESC LIMIT ?'
const LIVE_SERVERS = 'FROM servers WHERE is_live = 1 ORDER BY place DESC LIMIT ?'

export function prepareReads(database: Database): ReadStatements {
  return {
    begin: database.prepare('BEGIN'),
    end: database.prepare('COMMIT'),
    channel: database.prepare('SELECT * FROM channels WHERE id = ?'),
    channelByKey: database.prepare('SELECT * FROM channels WHERE key = ?'),
    standing: database.prepare(STANDING),
    channels: database.prepare(`SELECT * ${LIVE_CHANNELS}`),
    channelsOfServer: database.prepare(`SELECT * ${LIVE_CHANNELS_OF_SERVER}`),
    ...prepareListReads(database),
    ...prepareVisible(database),
    participants: database.prepare(
      'SELECT entity_id, is_agent FROM participants WHERE channel_key = ? ORDER BY place LIMIT ?',
    ),
    participant: database.prepare(
      'SELECT entity_id, is_agent FROM participants WHERE channel_key = ? AND entity_id = ?',
    ),
    ...prepareEntryReads(database),
    server: database.prepare('SELECT * FROM servers WHERE id = ?'),
    servers: database.prepare(`SELECT * ${LIVE_SERVERS}`),
    serverAgents: database.prepare(
      'SELECT agent_id FROM server_agents WHERE server_id = ? ORDER BY place',
    ),
    agentServers: database.prepare(
      'SELECT server_id FROM server_agents WHERE agent_id = ? ORDER BY place',
    ),
  }
}

function prepareListReads(
  database: Database,
): Pick<
  ReadStatements,
  'channelSizes' | 'channelSizesOfServer' | 'channelKeysOfServer' | 'serverSizes'
> {
  return {
    channelSizes: database
      .prepare<[number], number>(`SELECT octet_length(words) ${LIVE_CHANNELS}`)
      .pluck(),
    channelSizesOfServer: database
      .prepare<[string, number], number>(`SELECT octet_length(words) ${LIVE_CHANNELS_OF_SERVER}`)
      .pluck(),
    channelKeysOfServer: database
      .prepare<[string, number], number>(`SELECT key ${LIVE_CHANNELS_OF_SERVER}`)
      .pluck(),
    serverSizes: database
      .prepare<[number], number>(`SELECT octet_length(server) ${LIVE_SERVERS}`)
      .pluck(),
  }
}
