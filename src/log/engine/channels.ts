import type { ChannelDetails, ChannelType, Participant } from '../../protocol/model.ts'
import type { ChannelDraft } from '../log.ts'
import { nextPlace } from './context.ts'
import type { ApplyContext } from './context.ts'
import type { ChannelRecord, ChannelWords, EntryRow } from './records.ts'
import type { WriteStore } from './store.ts'
import { detailsOf } from './views.ts'

const NO_WORDS: ChannelWords = { name: '', metadata: {} }

/** Makes the channel, or makes a deleted one again; its server was checked and it is not live. */
export function createChannel(
  { store, nowMs }: ApplyContext,
  draft: ChannelDraft,
  commandId: string,
): ChannelRecord {
  const participants = distinct(draft.participants)
  const earlier = store.channel(draft.id)
  const fresh = {
    id: draft.id,
    serverId: draft.serverId,
    type: draft.type,
    words: wordsOf(draft),
    createdAt: nowMs,
    updatedAt: nowMs,
    createdBy: commandId,
    order: store.nextOrder(),
    dmKey: freeDmKey(store, draft, participants),
    isLive: true,
    hasAgents: haveAgents(participants),
    clearedSeq: earlier?.clearedSeq ?? 0,
    sweptSeq: earlier?.sweptSeq ?? 0,
  }
  const record = earlier === undefined ? store.insertChannel(fresh) : { ...fresh, key: earlier.key }
  if (earlier !== undefined) store.saveChannel(record)
  store.saveParticipants(record.key, participants)
  return record
}

/** Deletes a live channel with its content; the row stays for its numbers and keys. */
export function removeChannel(
  context: ApplyContext,
  channel: ChannelRecord,
  entryId: string,
): EntryRow {
  const row: EntryRow = {
    ...nextPlace(context, channel),
    id: entryId,
    kind: 'removed',
    data: null,
  }
  context.store.insertEntry(row)
  context.store.saveChannel({
    ...channel,
    words: NO_WORDS,
    updatedAt: row.at,
    dmKey: null,
    isLive: false,
    hasAgents: false,
    clearedSeq: row.seq,
  })
  context.store.saveParticipants(channel.key, [])
  return row
}

/** What a creation answers when the channel that it made is gone since. */
function detailsOfDraft(draft: ChannelDraft, channel: ChannelRecord): ChannelDetails {
  const { id, serverId, type, participants } = draft
  const { createdAt } = channel
  return {
    id,
    serverId,
    type,
    ...wordsOf(draft),
    createdAt,
    updatedAt: createdAt,
    participants: distinct(participants),
  }
}

/** The answer of a repeated creation. */
export function detailsOfCreated(
  store: WriteStore,
  draft: ChannelDraft,
  channel: ChannelRecord,
): ChannelDetails {
  return channel.isLive ? detailsOf(store, channel) : detailsOfDraft(draft, channel)
}

export function haveAgents(participants: readonly Participant[]): boolean {
  return participants.some(({ isAgent }) => isAgent)
}

/** One place per entity; named twice, once as an agent, it is an agent. */
export function distinct(participants: readonly Participant[]): readonly Participant[] {
  const byId = new Map<string, Participant>()
  for (const { entityId, isAgent } of participants) {
    const known = byId.get(entityId)?.isAgent ?? false
    byId.set(entityId, { entityId, isAgent: isAgent || known })
  }
  return [...byId.values()]
}

interface DmPlace {
  readonly serverId: string
  readonly type: ChannelType
}

/** Names the pair, in either order, on its server; undefined for what is no DM of two. */
export function dmKeyOf(
  { serverId, type }: DmPlace,
  participants: readonly Participant[],
): string | undefined {
  if (type !== 'DM' || participants.length !== 2) return undefined
  const pair = participants.map(({ entityId }) => entityId).toSorted()
  return [serverId, ...pair].join('\n')
}

/** The pair's key for a channel that becomes its DM; null when it is none, or another one is. */
export function freeDmKey(
  store: WriteStore,
  channel: DmPlace & { readonly id: string },
  participants: readonly Participant[],
): string | null {
  const key = dmKeyOf(channel, participants)
  if (key === undefined) return null
  const holder = store.liveDm(key)
  return holder === undefined || holder.id === channel.id ? key : null
}

/** The store may keep them in memory, so they are no longer the caller's. */
function wordsOf({ name, sourceType, sourceId, topic, metadata }: ChannelDraft): ChannelWords {
  return {
    name,
    ...(sourceType !== undefined && { sourceType }),
    ...(sourceId !== undefined && { sourceId }),
    ...(topic !== undefined && { topic }),
    metadata: structuredClone(metadata),
  }
}
