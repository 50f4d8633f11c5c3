import type {
  Channel,
  ChannelDetails,
  Entry,
  Message,
  MessageServer,
} from '../../protocol/model.ts'
import type { StoredAgent } from '../agents.ts'
import type { LogReader } from '../engine.ts'
import type { Failure, FailureQuery, InboxPage, InboxQuery } from '../inbox.ts'
import type { EntryRange, MessagePage, MessageQuery, Standing } from '../log.ts'
import { InboxReader } from './inbox-reader.ts'
import { ENGINE_LIMITS } from './limits.ts'
import { postingRange } from './seek.ts'
import type { ReadStore } from './store.ts'
import { channelOf, detailsOf, entriesOf, isErased, messageOf } from './views.ts'

const LIST = { limit: ENGINE_LIMITS.maxListed, maxBytes: ENGINE_LIMITS.maxReadBytes } as const
const NO_MESSAGES: MessagePage = { messages: [], hasMore: false }

/** The reads of the port over any store; every call sees one committed moment. */
export class StoreReader implements LogReader {
  readonly epoch: string
  readonly #store: ReadStore
  readonly #inbox: InboxReader

  constructor(store: ReadStore) {
    this.epoch = store.epoch
    this.#store = store
    this.#inbox = new InboxReader(store)
  }

  channel(channelId: string): ChannelDetails | undefined {
    return this.#store.snapshot(() => {
      const record = this.#store.channel(channelId)
      return record?.isLive === true ? detailsOf(this.#store, record) : undefined
    })
  }

  channels(serverId?: string, visibleTo?: string): readonly Channel[] {
    const records = this.#store.snapshot(() =>
      visibleTo === undefined
        ? this.#store.liveChannels(serverId, LIST)
        : this.#store.visibleChannels(serverId, visibleTo, LIST),
    )
    return records.map((record) => channelOf(record))
  }

  standing(channelId: string, entityId: string): Standing | undefined {
    return this.#store.standing(channelId, entityId)
  }

  servers(): readonly MessageServer[] {
    return this.#store.snapshot(() => this.#store.liveServers(LIST))
  }

  server(serverId: string): MessageServer | undefined {
    const record = this.#store.server(serverId)
    return record?.isLive === true ? record.server : undefined
  }

  serverAgents(serverId: string): readonly string[] {
    return this.#store.serverAgents(serverId)
  }

  agentServers(agentId: string): readonly string[] {
    return this.#store.agentServers(agentId)
  }

  message(messageId: string): Message | undefined {
    return this.#store.snapshot(() => {
      const row = this.#store.entryById(messageId)
      if (row?.kind !== 'posted') return undefined
      const channel = this.#store.channelByKey(row.channelKey)
      if (channel === undefined || isErased(channel, row)) return undefined
      return messageOf(channel, row)
    })
  }

  isAwaited(messageId: string): boolean {
    return this.#store.entryById(messageId)?.isAwaited === true
  }

  messages(query: MessageQuery): MessagePage {
    return this.#store.snapshot(() => {
      const channel = this.#store.channel(query.channelId)
      if (channel === undefined) return NO_MESSAGES
      const range = postingRange(this.#store, channel, query)
      if (range === undefined) return NO_MESSAGES
      const rows = range.limit < 1 ? [] : this.#store.postings(range)
      const below = rows.at(-1)?.seq ?? range.below
      const hasMore = this.#store.hasPostings({ ...range, below })
      return { messages: rows.map((row) => messageOf(channel, row)), hasMore }
    })
  }

  entries(range: EntryRange): readonly Entry[] {
    return this.#store.snapshot(() => {
      const channel = this.#store.channel(range.channelId)
      if (channel === undefined || range.limit < 1) return []
      const after = Math.max(range.after, 0)
      const upTo = Math.min(range.upTo, this.#store.tail(channel.key).seq)
      if (after >= upTo) return []
      const { limit, maxBytes = ENGINE_LIMITS.maxReadBytes } = range
      const { key: channelKey, clearedSeq } = channel
      const channelBytes = channel.isLive ? Buffer.byteLength(JSON.stringify(channel.words)) : 0
      const bounds = { clearedSeq, channelBytes, after, upTo, limit, maxBytes }
      const rows = this.#store.entries({ channelKey, ...bounds })
      return entriesOf(this.#store, channel, rows)
    })
  }

  head(channelId: string): number {
    return this.#store.snapshot(() => {
      const channel = this.#store.channel(channelId)
      return channel === undefined ? 0 : this.#store.tail(channel.key).seq
    })
  }

  newestPlace(): number {
    return this.#store.inbox.newestPlace()
  }

  inbox(query: InboxQuery): InboxPage {
    return this.#inbox.inbox(query)
  }

  retries(query: InboxQuery): InboxPage {
    return this.#inbox.retries(query)
  }

  failures(agentId: string, query: FailureQuery): readonly Failure[] {
    return this.#inbox.failures(agentId, query)
  }

  agents(): readonly StoredAgent[] {
    return this.#store.agents.all()
  }

  close(): void {
    this.#store.close()
  }
}
