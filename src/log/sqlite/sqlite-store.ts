import type { Database } from 'better-sqlite3'
import type { Participant } from '../../protocol/model.ts'
import type { ChannelRecord, EntryRow, ServerRecord, Tail } from '../engine/records.ts'
import type { ClientKey, RowSpan, WriteStore } from '../engine/store.ts'
import { ChannelCache } from './channel-cache.ts'
import type { CacheBounds } from './channel-cache.ts'
import { ClientKeys } from './client-keys.ts'
import type { ClientKeyOptions } from './client-keys.ts'
import { encodeId } from './id-codec.ts'
import { decodeChannel, decodeEntry, encodeChannel, encodeKind } from './rows.ts'
import { SqliteAgents } from './sqlite-agents.ts'
import { SqliteInbox } from './sqlite-inbox.ts'
import { SqliteReadStore } from './sqlite-read-store.ts'
import { SqliteStreams } from './sqlite-streams.ts'
import { prepareWrites } from './write-statements.ts'
import type { EntryValues, WriteStatements } from './write-statements.ts'

export interface StoreBounds {
  readonly cache?: Partial<CacheBounds>
  readonly clientKeys?: ClientKeyOptions
}

/** The primitive writes. It is the only writer of its file, so what it caches is what is stored. */
export class SqliteStore extends SqliteReadStore implements WriteStore {
  override readonly inbox: SqliteInbox
  override readonly agents: SqliteAgents
  readonly streams: SqliteStreams
  readonly #database: Database
  readonly #writes: WriteStatements
  readonly #cache: ChannelCache
  readonly #clientKeys: ClientKeys

  constructor(database: Database, bounds: StoreBounds = {}) {
    const inbox = new SqliteInbox(database)
    const agents = new SqliteAgents(database)
    super(database, { inbox, agents })
    this.inbox = inbox
    this.agents = agents
    this.streams = new SqliteStreams(database)
    this.#database = database
    this.#writes = prepareWrites(database)
    this.#cache = new ChannelCache(bounds.cache)
    this.#clientKeys = new ClientKeys(database, bounds.clientKeys)
  }

  transaction<T>(write: () => T): T {
    this.#writes.begin.run()
    try {
      this.#clientKeys.begun()
      const result = write()
      this.#clientKeys.beforeCommit()
      this.#writes.commit.run()
      this.#clientKeys.committed()
      return result
    } catch (error) {
      this.#cache.clear()
      this.#clientKeys.rolledBack()
      this.streams.rolledBack()
      // Some failures (a full disk, an I/O error) have rolled back by themselves.
      if (this.#database.inTransaction) this.#writes.rollback.run()
      throw error
    }
  }

  override channel(channelId: string): ChannelRecord | undefined {
    const cached = this.#cache.get(channelId)
    if (cached !== undefined) return cached
    const record = super.channel(channelId)
    if (record !== undefined) this.#cache.add(record, super.tail(record.key))
    return record
  }

  override channelByKey(channelKey: number): ChannelRecord | undefined {
    return this.#cache.getByKey(channelKey) ?? super.channelByKey(channelKey)
  }

  override tail(channelKey: number): Tail {
    return this.#cache.tail(channelKey) ?? super.tail(channelKey)
  }

  liveDm(dmKey: string): ChannelRecord | undefined {
    const columns = this.#writes.liveDm.get(dmKey)
    return columns && decodeChannel(columns)
  }

  postingByClientId(key: ClientKey): EntryRow | undefined {
    const columns = this.#clientKeys.posting(this.#clientKeys.hashed(key))
    return columns && decodeEntry(columns)
  }

  insertChannel(channel: Omit<ChannelRecord, 'key'>): ChannelRecord {
    const { lastInsertRowid } = this.#writes.insertChannel.run(encodeChannel(channel))
    const record = { ...channel, key: Number(lastInsertRowid) }
    this.#cache.add(record, { seq: 0, at: 0 })
    return record
  }

  saveChannel(channel: ChannelRecord): void {
    this.#writes.saveChannel.run({ key: channel.key, ...encodeChannel(channel) })
    this.#cache.replace(channel)
  }

  nextOrder(): number {
    return (this.#writes.lastOrder.get()?.place ?? 0) + 1
  }

  saveParticipant(channelKey: number, { entityId, isAgent }: Participant): void {
    this.#writes.saveParticipant.run(channelKey, channelKey, entityId, isAgent ? 1 : 0)
  }

  removeParticipant(channelKey: number, entityId: string): void {
    this.#writes.removeParticipant.run(channelKey, entityId)
  }

  removeParticipants(channelKey: number): void {
    this.#writes.removeParticipants.run(channelKey)
  }

  keysAsPerson(entityId: string, limit: number): readonly number[] {
    return this.#writes.keysAsPerson.all(entityId, limit)
  }

  hasAgents(channelKey: number): boolean {
    return this.#writes.anAgent.get(channelKey) !== undefined
  }

  insertPosting(row: EntryRow): boolean {
    const named = clientKeyOf(row)
    const key = named && this.#clientKeys.hashed(named)
    if (key !== undefined && this.#clientKeys.posting(key) !== undefined) return false
    const { changes, lastInsertRowid } = this.#writes.insertPosting.run(...valuesOf(row))
    if (changes === 0) return false
    if (key !== undefined) this.#clientKeys.add(key, Number(lastInsertRowid))
    this.#cache.moveTail(row.channelKey, { seq: row.seq, at: row.at })
    return true
  }

  insertEntry(row: EntryRow): void {
    this.#writes.insertEntry.run(...valuesOf(row))
    this.#cache.moveTail(row.channelKey, { seq: row.seq, at: row.at })
  }

  saveBody({ channelKey, seq }: EntryRow, data: string | null, updatedAt: number): void {
    this.#writes.saveBody.run(data, updatedAt, channelKey, seq)
  }

  eraseBodies({ channelKey, after, upTo }: RowSpan): void {
    this.#writes.eraseBodies.run(channelKey, after, upTo)
  }

  unsweptChannel(): ChannelRecord | undefined {
    const columns = this.#writes.unsweptChannel.get()
    return columns && decodeChannel(columns)
  }

  /** One that comes back after its deletion is the newest. */
  saveServer({ server, createdBy, removedBy, isLive }: ServerRecord): void {
    this.#writes.dropDeadServer.run(server.id)
    const json = JSON.stringify(server)
    this.#writes.saveServer.run(server.id, json, createdBy, removedBy, isLive ? 1 : 0)
  }

  isServerAgent(serverId: string, entityId: string): boolean {
    return this.#writes.serverAgent.get(serverId, entityId) !== undefined
  }

  addServerAgent(serverId: string, agentId: string): void {
    this.#writes.addServerAgent.run(serverId, agentId)
  }

  removeServerAgent(serverId: string, agentId: string): void {
    this.#writes.removeServerAgent.run(serverId, agentId)
  }

  removeServerAgents(serverId: string): void {
    this.#writes.removeServerAgents.run(serverId)
  }
}

function valuesOf(row: EntryRow): EntryValues {
  const { authorId, clientMessageId, messageSeq } = row
  return [
    row.channelKey,
    row.seq,
    encodeId(row.id),
    encodeKind(row.kind),
    row.at,
    authorId === undefined ? null : encodeId(authorId),
    clientMessageId === undefined ? null : encodeId(clientMessageId),
    messageSeq ?? null,
    row.isAwaited === true ? 1 : null,
    row.data,
  ]
}

function clientKeyOf({ channelKey, authorId, clientMessageId }: EntryRow): ClientKey | undefined {
  if (authorId === undefined || clientMessageId === undefined) return undefined
  return { channelKey, authorId, clientMessageId }
}
