import type { Failure, FailureQuery, InboxItem, InboxPage, InboxQuery } from '../inbox.ts'
import type { PlacedRow, PlacedRows, PlaceRange } from './inbox-store.ts'
import { ENGINE_LIMITS } from './limits.ts'
import type { ChannelRecord } from './records.ts'
import type { ReadStore } from './store.ts'
import { messageOf } from './views.ts'

type Find = (range: PlaceRange) => PlacedRows

/** The reads for agents over any store; every call sees one committed moment. */
export class InboxReader {
  readonly #store: ReadStore

  constructor(store: ReadStore) {
    this.#store = store
  }

  inbox(query: InboxQuery): InboxPage {
    const { inbox } = this.#store
    return this.#page(query, ENGINE_LIMITS.inboxPlaces, (range) => inbox.postings(range))
  }

  retries(query: InboxQuery): InboxPage {
    const { inbox } = this.#store
    return this.#page(query, Number.POSITIVE_INFINITY, (range) => inbox.retried(range))
  }

  failures(agentId: string, { limit, before }: FailureQuery): readonly Failure[] {
    const below = before ?? Number.MAX_SAFE_INTEGER
    return this.#store.inbox.failures(agentId, { limit, before: below })
  }

  #page(query: InboxQuery, maxPlaces: number, find: Find): InboxPage {
    const { agentId, limit, maxBytes = ENGINE_LIMITS.maxReadBytes } = query
    return this.#store.snapshot(() => {
      const newest = this.#store.inbox.newestPlace()
      const after = Math.max(query.after, 0)
      const end = Math.min(after + maxPlaces, newest)
      const { rows, isCut } = find({ agentId, after, upTo: end, limit, maxBytes })
      const upTo = isCut ? (rows.at(-1)?.place ?? after) : end
      const items = this.#itemsOf(rows)
      return { items: this.#marked(items, query), upTo, hasMore: upTo < newest }
    })
  }

  /** What is cancelled is behind the cursor once it was dealt with, and so never a retry. */
  #marked(items: readonly InboxItem[], { agentId }: InboxQuery): readonly InboxItem[] {
    const [first, last] = [items[0], items.at(-1)]
    if (first === undefined || last === undefined) return items
    const cancelled = this.#store.inbox.cancelled(agentId, first.place - 1, last.place)
    if (cancelled.size === 0) return items
    return items.map((item) => (cancelled.has(item.place) ? { ...item, isCancelled: true } : item))
  }

  #itemsOf(rows: readonly PlacedRow[]): readonly InboxItem[] {
    const channels = new Map<number, ChannelRecord>()
    return rows.map((row) => {
      const known = channels.get(row.channelKey)
      const channel = known ?? this.#store.channelByKey(row.channelKey)
      if (channel === undefined) throw new Error(`entry ${row.id} belongs to no channel`)
      channels.set(row.channelKey, channel)
      return this.#itemOf(channel, row)
    })
  }

  #itemOf(record: ChannelRecord, row: PlacedRow): InboxItem {
    const { id, serverId, type, words } = record
    const channel = { id, serverId, type, name: words.name }
    const message = messageOf(record, row)
    const author = this.#store.participant(record.key, message.authorId)
    const isFromAgent = author?.isAgent ?? false
    return { place: row.place, message, channel, hops: message.body.hops ?? 0, isFromAgent }
  }
}
