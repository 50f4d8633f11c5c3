import type { Database } from 'better-sqlite3'
import type { MessageServer, Participant } from '../../protocol/model.ts'
import type { Standing } from '../log.ts'
import type { ChannelRecord, EntryRow, ServerRecord, Tail } from '../engine/records.ts'
import type { Page, PostingRange, ReadStore, RowRange } from '../engine/store.ts'
import type { SizedEntryColumns } from './entry-reads.ts'
import { encodeId } from './id-codec.ts'
import { prepareReads } from './read-statements.ts'
import type { ReadStatements } from './read-statements.ts'
import {
  decodeChannel,
  decodeEntry,
  decodeParticipant,
  decodeServer,
  decodeStanding,
} from './rows.ts'
import { SqliteAgentReads } from './sqlite-agents.ts'
import { SqliteInboxReads } from './sqlite-inbox.ts'
import { listVisible } from './visible-channels.ts'

/** The primitive reads over one connection, which it owns. Nothing is cached: another process writes. */
export class SqliteReadStore implements ReadStore {
  readonly epoch: string
  readonly inbox: SqliteInboxReads
  readonly agents: SqliteAgentReads
  readonly #database: Database
  readonly #reads: ReadStatements

  constructor(
    database: Database,
    parts: { readonly inbox?: SqliteInboxReads; readonly agents?: SqliteAgentReads } = {},
  ) {
    this.inbox = parts.inbox ?? new SqliteInboxReads(database)
    this.agents = parts.agents ?? new SqliteAgentReads(database)
    this.#database = database
    this.#reads = prepareReads(database)
    const epoch = database.prepare(`SELECT value FROM meta WHERE name = 'epoch'`).pluck().get()
    if (typeof epoch !== 'string') throw new Error('the database has no epoch')
    this.epoch = epoch
  }

  snapshot<T>(read: () => T): T {
    if (this.#database.inTransaction) return read()
    this.#reads.begin.run()
    try {
      return read()
    } finally {
      this.#reads.end.run()
    }
  }

  channel(channelId: string): ChannelRecord | undefined {
    const columns = this.#reads.channel.get(channelId)
    return columns && decodeChannel(columns)
  }

  channelByKey(channelKey: number): ChannelRecord | undefined {
    const columns = this.#reads.channelByKey.get(channelKey)
    return columns && decodeChannel(columns)
  }

  liveChannels(serverId: string | undefined, { limit, maxBytes }: Page): readonly ChannelRecord[] {
    const reads = this.#reads
    const sizes =
      serverId === undefined
        ? reads.channelSizes.iterate(limit)
        : reads.channelSizesOfServer.iterate(serverId, limit)
    const count = countFitting(sizes, maxBytes)
    const columns =
      serverId === undefined
        ? reads.channels.all(count)
        : reads.channelsOfServer.all(serverId, count)
    return columns.toReversed().map((row) => decodeChannel(row))
  }

  visibleChannels(
    serverId: string | undefined,
    entityId: string,
    { limit, maxBytes }: Page,
  ): readonly ChannelRecord[] {
    const listed = listVisible(this.#reads, { serverId, entityId, limit })
    const sizes = listed.map(({ bytes }) => bytes)
    const keys = listed.slice(0, countFitting(sizes, maxBytes)).map(({ key }) => key)
    return this.#reads.channelsByKeys
      .all(JSON.stringify(keys))
      .map((row) => decodeChannel(row))
      .toSorted((a, b) => a.order - b.order)
  }

  standing(channelId: string, entityId: string): Standing | undefined {
    const columns = this.#reads.standing.get(entityId, entityId, channelId)
    return columns && decodeStanding(columns)
  }

  liveChannelKeys(serverId: string, limit: number): readonly number[] {
    return this.#reads.channelKeysOfServer.all(serverId, limit).toReversed()
  }

  participants(channelKey: number, limit = -1): readonly Participant[] {
    return this.#reads.participants.all(channelKey, limit).map((row) => decodeParticipant(row))
  }

  participant(channelKey: number, entityId: string): Participant | undefined {
    const columns = this.#reads.participant.get(channelKey, entityId)
    return columns && decodeParticipant(columns)
  }

  tail(channelKey: number): Tail {
    return this.#reads.tail.get({ channelKey }) ?? { seq: 0, at: 0 }
  }

  entry(channelKey: number, seq: number): EntryRow | undefined {
    const columns = this.#reads.entry.get({ channelKey, seq })
    return columns && decodeEntry(columns)
  }

  entryTime(channelKey: number, seq: number): number | undefined {
    return this.#reads.entryTime.get({ channelKey, seq })
  }

  entryById(id: string): EntryRow | undefined {
    const columns = this.#reads.entryById.get(encodeId(id))
    return columns && decodeEntry(columns)
  }

  entries({ limit, maxBytes, ...range }: RowRange): readonly EntryRow[] {
    // Numbers have no holes, so the limit is a number too.
    const upTo = Math.min(range.upTo, range.after + limit)
    return fitting(this.#reads.entries.iterate({ ...range, upTo }), maxBytes)
  }

  postings({ maxBytes, ...range }: PostingRange): readonly EntryRow[] {
    return fitting(this.#reads.postings.iterate(range), maxBytes)
  }

  hasPostings({ channelKey, above, below }: PostingRange): boolean {
    return this.#reads.aPosting.get({ channelKey, above, below }) !== undefined
  }

  server(serverId: string): ServerRecord | undefined {
    const columns = this.#reads.server.get(serverId)
    return columns && decodeServer(columns)
  }

  liveServers({ limit, maxBytes }: Page): readonly MessageServer[] {
    const count = countFitting(this.#reads.serverSizes.iterate(limit), maxBytes)
    const columns = this.#reads.servers.all(count)
    return columns.toReversed().map((row) => decodeServer(row).server)
  }

  serverAgents(serverId: string): readonly string[] {
    return this.#reads.serverAgents.all(serverId).map((row) => row.agent_id)
  }

  agentServers(agentId: string): readonly string[] {
    return this.#reads.agentServers.all(agentId).map((row) => row.server_id)
  }

  close(): void {
    this.#database.close()
  }
}

/** The first rows that are at most `maxBytes` together, one in any case; at most one behind them is loaded. */
function fitting(rows: Iterable<SizedEntryColumns>, maxBytes: number): readonly EntryRow[] {
  const taken: EntryRow[] = []
  let bytes = 0
  for (const row of rows) {
    bytes += row.bytes
    if (bytes > maxBytes && taken.length > 0) break
    taken.push(decodeEntry(row))
  }
  return taken
}

/** How many of the first rows are at most `maxBytes` together, one in any case; it looks at no row behind them but one. */
function countFitting(sizes: Iterable<number>, maxBytes: number): number {
  let count = 0
  let bytes = 0
  for (const size of sizes) {
    bytes += size
    if (bytes > maxBytes && count > 0) break
    count += 1
  }
  return count
}
