import type { MessageBody } from '../../protocol/model.ts'
import type { MessageDraft } from '../log.ts'
import type { ApplyContext } from './context.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import type { WriteStore } from './store.ts'
import { parseBody } from './views.ts'

/** Entries that are looked back at; 2 µs each, and a person's message or an earlier one of the author ends it. */
const LOOK_BACK = 200

/**
 * The body as it is stored: an agent's always says how many turns of agents there were since a person spoke.
 *
 * To a person all agents may answer, which is their first turn. Whatever else an agent says counts one more than all
 * that agents have said in the channel since, whatever it claims to answer: otherwise an agent from elsewhere and one of
 * this server could answer each other for ever, and ten of this server would say 70,000 messages about one.
 */
export function countedBody(
  { store }: ApplyContext,
  channel: ChannelRecord,
  { authorId, body, isOfAgent }: MessageDraft,
): MessageBody {
  const { hops } = body
  if (hops !== undefined) {
    if (hops <= 1) return body
    return { ...body, hops: Math.max(hops, turnsBefore(store, channel, authorId) + 1) }
  }
  const isAgent = isOfAgent === true || (channel.hasAgents && takesPart(store, channel, authorId))
  return isAgent ? { ...body, hops: turnsBefore(store, channel, authorId) + 1 } : body
}

/** Whether it takes part as an agent. */
function takesPart(store: WriteStore, { key }: ChannelRecord, entityId: string): boolean {
  return store.participant(key, entityId)?.isAgent === true
}

/** Most turns among what was said since a person spoke; the author's own erased messages count one each. */
function turnsBefore(store: WriteStore, channel: ChannelRecord, authorId: string): number {
  const { seq: newest } = store.tail(channel.key)
  let turns = 0
  let erased = 0
  for (let seq = newest; seq > Math.max(newest - LOOK_BACK, 0); seq -= 1) {
    const row = store.entry(channel.key, seq)
    if (row?.kind !== 'posted') continue
    const hops = hopsOf(row)
    if (hops === 0 && !takesPart(store, channel, row.authorId ?? '')) break
    turns = Math.max(turns, hops)
    if (row.authorId !== authorId) continue
    // It counted all before it.
    if (hops > 0) return Math.max(turns, hops + erased)
    erased += 1
  }
  return Math.max(turns, erased)
}

/** 0 of what is erased. */
function hopsOf({ data }: EntryRow): number {
  return data === null ? 0 : (parseBody(data).hops ?? 0)
}
