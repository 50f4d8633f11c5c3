import type { MessageQuery } from '../log.ts'
import { ENGINE_LIMITS } from './limits.ts'
import type { ChannelRecord } from './records.ts'
import type { PostingRange, ReadStore } from './store.ts'

/**
 * The number of entries before the given time, which is the number of the last of them.
 *
 * `at` never decreases along `seq` and `seq` has no holes, so some twenty look-ups by primary key
 * find the place in a million entries; an index on times would cost every post a write.
 */
function countBefore(store: ReadStore, channelKey: number, timeMs: number): number {
  let low = 0
  let high = store.tail(channelKey).seq
  while (low < high) {
    const middle = Math.floor((low + high) / 2) + 1
    const at = store.entryTime(channelKey, middle) ?? Number.POSITIVE_INFINITY
    if (at < timeMs) low = middle
    else high = middle - 1
  }
  return low
}

/** Turns a query's bounds, all exclusive, into numbers; undefined when nothing can lie between them. */
export function postingRange(
  store: ReadStore,
  channel: ChannelRecord,
  query: MessageQuery,
): PostingRange | undefined {
  let above = channel.clearedSeq
  let below = store.tail(channel.key).seq + 1
  if (query.afterSeq !== undefined) above = Math.max(above, Math.floor(query.afterSeq))
  if (query.beforeSeq !== undefined) below = Math.min(below, Math.ceil(query.beforeSeq))
  if (query.afterMs !== undefined) {
    above = Math.max(above, countBefore(store, channel.key, Math.floor(query.afterMs) + 1))
  }
  if (query.beforeMs !== undefined) {
    below = Math.min(below, countBefore(store, channel.key, query.beforeMs) + 1)
  }
  if (above + 1 >= below) return undefined
  const { limit, maxBytes = ENGINE_LIMITS.maxReadBytes } = query
  return { channelKey: channel.key, above, below, limit, maxBytes }
}
