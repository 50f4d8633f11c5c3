import type { MessageServer, Participant } from '../../protocol/model.ts'
import type { ChannelRecord, EntryRow, ServerRecord, Tail } from './records.ts'

/** Exclusive bounds of a page of postings. */
export interface PostingRange {
  readonly channelKey: number
  readonly above: number
  readonly below: number
  readonly limit: number
}

/** Entries `after < seq ≤ upTo`. */
export interface RowRange {
  readonly channelKey: number
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

/** The primitive reads that every rule is written over. They know no rule themselves. */
export interface ReadStore {
  readonly epoch: string
  /** Runs `read` so that all its reads see one committed moment. */
  snapshot<T>(read: () => T): T
  /** Live or deleted. */
  channel(channelId: string): ChannelRecord | undefined
  channelByKey(channelKey: number): ChannelRecord | undefined
  /** The newest `limit` live channels, in order of creation. */
  liveChannels(serverId: string | undefined, limit: number): readonly ChannelRecord[]
  /** In order of addition. */
  participants(channelKey: number): readonly Participant[]
  tail(channelKey: number): Tail
  /** A channel's numbers have no holes: every `1 ≤ seq ≤ tail` has its row. */
  entry(channelKey: number, seq: number): EntryRow | undefined
  entryById(id: string): EntryRow | undefined
  /** Ascending. */
  entries(range: RowRange): readonly EntryRow[]
  /** Postings with content, descending. */
  postings(range: PostingRange): readonly EntryRow[]
  /** Live or deleted. */
  server(serverId: string): ServerRecord | undefined
  /** The newest `limit` live servers, in order of creation. */
  liveServers(limit: number): readonly MessageServer[]
  serverAgents(serverId: string): readonly string[]
  agentServers(agentId: string): readonly string[]
  close(): void
}

/** The primitive writes. Each takes effect at once for the reads of the same store. */
export interface WriteStore extends ReadStore {
  /** Runs `write` as one durable unit: when it throws, nothing of it remains. */
  transaction<T>(write: () => T): T
  liveDm(dmKey: string): ChannelRecord | undefined
  postingByClientId(posting: ClientKey): EntryRow | undefined
  /** Adds a channel that the store never had and gives it its key. */
  insertChannel(channel: Omit<ChannelRecord, 'key'>): ChannelRecord
  /** Replaces a channel's record. */
  saveChannel(channel: ChannelRecord): void
  /** Greater than the `order` of every channel so far. */
  nextOrder(): number
  /** Replaces the whole list. */
  saveParticipants(channelKey: number, participants: readonly Participant[]): void
  /** Adds the row after its channel's tail; false, and nothing happens, when its id or its client key is there. */
  insertPosting(row: EntryRow): boolean
  /** Adds the row after its channel's tail. Its id must be new. */
  insertEntry(row: EntryRow): void
  /** Replaces a posting's body; null erases it. */
  saveBody(posting: EntryRow, data: string | null, updatedAt: number): void
  /** Erases the bodies of the postings `after < seq ≤ upTo`. */
  eraseBodies(range: Omit<RowRange, 'limit'>): void
  /** A channel, live or deleted, with `sweptSeq < clearedSeq`. */
  unsweptChannel(): ChannelRecord | undefined
  /** Adds or replaces. */
  saveServer(record: ServerRecord): void
  addServerAgent(serverId: string, agentId: string): void
  removeServerAgent(serverId: string, agentId: string): void
  removeServerAgents(serverId: string): void
}

/** What names a message for its author. */
export interface ClientKey {
  readonly channelKey: number
  readonly authorId: string
  readonly clientMessageId: string
}
