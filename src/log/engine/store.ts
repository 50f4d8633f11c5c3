import type { MessageServer, Participant } from '../../protocol/model.ts'
import type { Standing } from '../log.ts'
import type { AgentReadStore, AgentStore } from './agent-store.ts'
import type { InboxReadStore, InboxStore } from './inbox-store.ts'
import type { ChannelRecord, EntryRow, ServerRecord, Tail } from './records.ts'
import type { StreamStore } from './stream-store.ts'

/**
 * Bounds of a list: it ends at `limit` rows, and before the row with which the bodies would pass
 * `maxBytes`. It holds its first row in any case, and bodies beyond its end are never loaded.
 */
export interface Page {
  readonly limit: number
  readonly maxBytes: number
}

/** Postings with content between exclusive bounds. */
export interface PostingRange extends Page {
  readonly channelKey: number
  readonly above: number
  readonly below: number
}

/** Entries `after < seq ≤ upTo`. */
export interface RowSpan {
  readonly channelKey: number
  readonly after: number
  readonly upTo: number
}

/**
 * Entries to read. Postings up to `clearedSeq` come without their bodies, swept or not; an edit counts
 * as the body of its posting, which is what it shows, and an entry about the channel as `channelBytes` more.
 */
export interface RowRange extends RowSpan, Page {
  readonly clearedSeq: number
  readonly channelBytes: number
}

/** The primitive reads that every rule is written over. They know no rule themselves. */
export interface ReadStore {
  readonly epoch: string
  readonly inbox: InboxReadStore
  readonly agents: AgentReadStore
  /** Runs `read` so that all its reads see one committed moment. */
  snapshot<T>(read: () => T): T
  /** Live or deleted. */
  channel(channelId: string): ChannelRecord | undefined
  channelByKey(channelKey: number): ChannelRecord | undefined
  /** The newest live channels that a page holds by their words, in order of creation. */
  liveChannels(serverId: string | undefined, page: Page): readonly ChannelRecord[]
  /**
   * Likewise, of those that are public or that the entity takes part in. Of the latter it looks at no more
   * than `limit`, which are the newest by when they were first created: deleting and making one again does
   * not count there.
   */
  visibleChannels(
    serverId: string | undefined,
    entityId: string,
    page: Page,
  ): readonly ChannelRecord[]
  /** Where an entity stands in a live channel. */
  standing(channelId: string, entityId: string): Standing | undefined
  /** The keys of a server's newest `limit` live channels, in order of creation, without loading their words. */
  liveChannelKeys(serverId: string, limit: number): readonly number[]
  /** The first `limit` of them, all by default, in order of addition. */
  participants(channelKey: number, limit?: number): readonly Participant[]
  participant(channelKey: number, entityId: string): Participant | undefined
  tail(channelKey: number): Tail
  /** A channel's numbers have no holes: every `1 ≤ seq ≤ tail` has its row. */
  entry(channelKey: number, seq: number): EntryRow | undefined
  /** The entry's time, without loading its body. */
  entryTime(channelKey: number, seq: number): number | undefined
  entryById(id: string): EntryRow | undefined
  /** Ascending. */
  entries(range: RowRange): readonly EntryRow[]
  /** Descending. */
  postings(range: PostingRange): readonly EntryRow[]
  /** Whether there is one, without loading it; the bounds of the page do not count. */
  hasPostings(range: PostingRange): boolean
  /** Live or deleted. */
  server(serverId: string): ServerRecord | undefined
  /** The newest live servers that a page holds, in order of creation. */
  liveServers(page: Page): readonly MessageServer[]
  serverAgents(serverId: string): readonly string[]
  agentServers(agentId: string): readonly string[]
  close(): void
}

/** The primitive writes. Each takes effect at once for the reads of the same store. */
export interface WriteStore extends ReadStore {
  readonly inbox: InboxStore
  readonly agents: AgentStore
  readonly streams: StreamStore
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
  /** Adds one at the end; one who takes part already is changed in place. */
  saveParticipant(channelKey: number, participant: Participant): void
  removeParticipant(channelKey: number, entityId: string): void
  removeParticipants(channelKey: number): void
  /** The keys of the newest `limit` channels in which the entity takes part, but not as an agent. */
  keysAsPerson(entityId: string, limit: number): readonly number[]
  /** Whether one of the participants is an agent. */
  hasAgents(channelKey: number): boolean
  /** Adds the row after its channel's tail; false, and nothing happens, when its id or its client key is there. */
  insertPosting(row: EntryRow): boolean
  /** Adds the row after its channel's tail. Its id must be new. */
  insertEntry(row: EntryRow): void
  /** Replaces the body of a posting that has one; null erases it. */
  saveBody(posting: EntryRow, data: string | null, updatedAt: number): void
  /** Erases the bodies of the postings `after < seq ≤ upTo`. */
  eraseBodies(span: RowSpan): void
  /** A channel, live or deleted, with `sweptSeq < clearedSeq`. */
  unsweptChannel(): ChannelRecord | undefined
  /** Adds or replaces. */
  saveServer(record: ServerRecord): void
  isServerAgent(serverId: string, entityId: string): boolean
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
