import type { Database } from 'better-sqlite3'
import type { MessageServer, Participant } from '../../protocol/model.ts'
import type { ChannelRecord, EntryRow, ServerRecord, Tail } from '../engine/records.ts'
import type { PostingRange, ReadStore, RowRange } from '../engine/store.ts'
import { encodeId } from './id-codec.ts'
import { prepareReads } from './read-statements.ts'
import type { ReadStatements } from './read-statements.ts'
import { decodeChannel, decodeEntry, decodeParticipant, decodeServer } from './rows.ts'

/** The primitive reads over one connection, which it owns. Nothing is cached: another process writes. */
export class SqliteReadStore implements ReadStore {
  readonly epoch: string
  readonly #database: Database
  readonly #reads: ReadStatements

  constructor(database: Database) {
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

  liveChannels(serverId: string | undefined, limit: number): readonly ChannelRecord[] {
    const columns =
      serverId === undefined
        ? this.#reads.channels.all(limit)
        : this.#reads.channelsOfServer.all(serverId, limit)
    return columns.toReversed().map((row) => decodeChannel(row))
  }

  participants(channelKey: number): readonly Participant[] {
    return this.#reads.participants.all(channelKey).map((row) => decodeParticipant(row))
  }

  tail(channelKey: number): Tail {
    return this.#reads.tail.get(channelKey) ?? { seq: 0, at: 0 }
  }

  entry(channelKey: number, seq: number): EntryRow | undefined {
    const columns = this.#reads.entry.get(channelKey, seq)
    return columns && decodeEntry(columns)
  }

  entryById(id: string): EntryRow | undefined {
    const columns = this.#reads.entryById.get(encodeId(id))
    return columns && decodeEntry(columns)
  }

  entries({ channelKey, after, upTo, limit }: RowRange): readonly EntryRow[] {
    const columns = this.#reads.entries.all(channelKey, after, upTo, limit)
    return columns.map((row) => decodeEntry(row))
  }

  postings({ channelKey, above, below, limit }: PostingRange): readonly EntryRow[] {
    const columns = this.#reads.postings.all(channelKey, above, below, limit)
    return columns.map((row) => decodeEntry(row))
  }

  server(serverId: string): ServerRecord | undefined {
    const columns = this.#reads.server.get(serverId)
    return columns && decodeServer(columns)
  }

  liveServers(limit: number): readonly MessageServer[] {
    const columns = this.#reads.servers.all(limit)
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
