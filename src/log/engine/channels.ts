import { ChannelError } from '../../protocol/errors.ts'
import { defaultVisibility, isConversation } from '../../protocol/model.ts'
import type { ChannelDetails, ChannelType, Participant } from '../../protocol/model.ts'
import type { ChannelDraft, ParticipantGuard } from '../log.ts'
import { nextPlace } from './context.ts'
import type { ApplyContext } from './context.ts'
import type { ChannelRecord, ChannelWords, EntryRow } from './records.ts'
import type { WriteStore } from './store.ts'
import { channelOf, detailsOf } from './views.ts'

const NO_WORDS: ChannelWords = { name: '', metadata: {} }

/**
 * Makes the channel, or makes a deleted one again; its server was checked and it is not live.
 *
 * @throws TOO_MANY_PARTICIPANTS.
 */
export function createChannel(
  context: ApplyContext,
  draft: ChannelDraft,
  commandId: string,
): ChannelRecord {
  const { store, nowMs } = context
  const participants = asStored(store, draft.serverId, draft.participants)
  requireRoom(context, { added: participants.length, total: participants.length })
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
    hasAgents: participants.some(({ isAgent }) => isAgent),
    participantCount: participants.length,
    ...rightsOf(draft),
    clearedSeq: earlier?.clearedSeq ?? 0,
    sweptSeq: earlier?.sweptSeq ?? 0,
  }
  const record = earlier === undefined ? store.insertChannel(fresh) : { ...fresh, key: earlier.key }
  if (earlier !== undefined) store.saveChannel(record)
  for (const participant of participants) store.saveParticipant(record.key, participant)
  return record
}

/** Deletes a live channel with its content and its streams; the row stays for its numbers and keys. */
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
    participantCount: 0,
    ownerId: null,
    clearedSeq: row.seq,
  })
  context.store.removeParticipants(channel.key)
  context.store.streams.removeOfChannel(channel.key)
  return row
}

/** The answer of a repeated creation; what was asked for, when the channel that it made is gone since. */
export function detailsOfCreated(
  store: WriteStore,
  draft: ChannelDraft,
  channel: ChannelRecord,
): ChannelDetails {
  if (channel.isLive) return detailsOf(store, channel)
  const { createdAt } = channel
  const made = { ...channel, ...rightsOf(draft), words: wordsOf(draft), updatedAt: createdAt }
  const { serverId, type } = draft
  return {
    ...channelOf({ ...made, serverId, type }),
    participants: asStored(store, serverId, draft.participants),
  }
}

/** @throws TOO_MANY_PARTICIPANTS when somebody would come and more would take part than may. */
export function requireRoom(
  { maxParticipants }: ApplyContext,
  { added, total }: { readonly added: number; readonly total: number },
): void {
  if (added > 0 && total > maxParticipants) throw new ChannelError('TOO_MANY_PARTICIPANTS')
}

/** @throws ACCESS_DENIED when somebody comes into a conversation, or another goes than whom the guard names. */
export function requireSettled(
  { type }: ChannelRecord,
  { added, removed }: { readonly added: number; readonly removed: readonly string[] },
  { asParty }: ParticipantGuard,
): void {
  if (asParty === undefined || !isConversation(type)) return
  if (added === 0 && removed.every((entityId) => entityId === asParty)) return
  throw new ChannelError(
    'ACCESS_DENIED',
    `Who takes part in a ${type} is settled; one may leave it.`,
  )
}

function rightsOf({
  type,
  visibility,
  ownerId,
}: ChannelDraft): Pick<ChannelRecord, 'visibility' | 'ownerId'> {
  return { visibility: visibility ?? defaultVisibility(type), ownerId: ownerId ?? null }
}

/**
 * Participants as a channel of the server takes them in: each once, the server's agents as agents, and whoever
 * has an inbox.
 */
export function asStored(
  store: WriteStore,
  serverId: string,
  participants: readonly Participant[],
): readonly Participant[] {
  return distinct(participants).map(({ entityId, isAgent }) => ({
    entityId,
    isAgent:
      isAgent ||
      store.isServerAgent(serverId, entityId) ||
      store.inbox.cursor(entityId) !== undefined,
  }))
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

/**
 * What of a channel's record follows from who takes part: for after they were changed. Only a pair
 * has a key, so it never reads more than three of them.
 */
export function membershipOf(
  store: WriteStore,
  { key, id, serverId, type }: ChannelRecord,
): Pick<ChannelRecord, 'dmKey' | 'hasAgents'> {
  const participants = type === 'DM' ? store.participants(key, 3) : []
  return {
    dmKey: freeDmKey(store, { id, serverId, type }, participants),
    hasAgents: store.hasAgents(key),
  }
}

/** The pair's key for a channel that becomes its DM; null when it is none, or another one is. */
function freeDmKey(
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
