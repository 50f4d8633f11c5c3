import { ChannelError } from '../../protocol/errors.ts'
import type { Command } from '../log.ts'
import {
  asStored,
  createChannel,
  detailsOfCreated,
  dmKeyOf,
  distinct,
  membershipOf,
  removeChannel,
  requireSettled,
  requireRoom,
} from './channels.ts'
import {
  earlierAttempt,
  isVisible,
  nextPlace,
  quiet,
  requireServer,
  requireChannel,
} from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import type { WriteStore } from './store.ts'
import { channelOf, detailsOf, NO_CHANGES } from './views.ts'
import type { ParticipantChanges } from './views.ts'

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>

/** @throws CHANNEL_EXISTS, SERVER_NOT_FOUND, TOO_MANY_PARTICIPANTS. */
export function applyCreateChannel(
  context: ApplyContext,
  command: CommandOf<'create-channel'>,
): Effect {
  const repeated = repeatedCreation(context, command)
  if (repeated !== undefined) return repeated
  return creation(context, command)
}

/** @throws INVALID_PAYLOAD when it is no DM of two, CHANNEL_EXISTS, SERVER_NOT_FOUND. */
export function applyGetOrCreateDm(
  context: ApplyContext,
  command: CommandOf<'get-or-create-dm'>,
): Effect {
  const { store } = context
  const dmKey = dmKeyOf(command.channel, distinct(command.channel.participants))
  if (dmKey === undefined) throw new ChannelError('INVALID_PAYLOAD')
  const repeated = repeatedCreation(context, command)
  if (repeated !== undefined) return repeated
  const found = store.liveDm(dmKey)
  if (found !== undefined) return quiet({ channel: detailsOf(store, found) })
  return creation(context, command)
}

type Creation = CommandOf<'create-channel' | 'get-or-create-dm'>

function repeatedCreation({ store }: ApplyContext, { id, channel }: Creation): Effect | undefined {
  const earlier = store.channel(channel.id)
  if (earlier?.createdBy !== id) return undefined
  const details = detailsOfCreated(store, channel, earlier)
  return quiet({ channel: details, isCreated: true, isDuplicate: true })
}

function creation(context: ApplyContext, { id, channel }: Creation): Effect {
  const { store } = context
  requireServer(context, channel.serverId)
  if (store.channel(channel.id)?.isLive === true) throw new ChannelError('CHANNEL_EXISTS')
  const created = createChannel(context, channel, id)
  return quiet({ channel: detailsOf(store, created), isCreated: true })
}

/** @throws CHANNEL_NOT_FOUND, TOO_MANY_PARTICIPANTS, ACCESS_DENIED. */
export function applyUpdateChannel(
  context: ApplyContext,
  command: CommandOf<'update-channel'>,
): Effect {
  const { store } = context
  const earlier = earlierAttempt(context, command.id, 'updated')
  if (earlier !== undefined) return repeatedChange(context, command, earlier)
  const channel = requireChannel(context, command)
  const { name, topic, visibility = channel.visibility, metadata, participants } = command
  const named = [name, topic, command.visibility, metadata, participants]
  if (named.every((part) => part === undefined)) {
    return quiet({ channel: detailsOf(store, channel) })
  }
  const words = {
    ...channel.words,
    ...(name !== undefined && { name }),
    ...(topic !== undefined && { topic }),
    ...(metadata !== undefined && { metadata: structuredClone(metadata) }),
  }
  const changes = replacement(context, channel, participants)
  requireSettled(channel, { added: changes.added.length, removed: changes.removed }, command)
  const row: EntryRow = {
    ...nextPlace(context, channel),
    id: command.id,
    kind: 'updated',
    data: changes === NO_CHANGES ? null : JSON.stringify(changes),
  }
  store.insertEntry(row)
  saveChanges(store, channel.key, changes)
  const participantCount = channel.participantCount + changes.added.length - changes.removed.length
  const membership = { ...membershipOf(store, channel), participantCount }
  const changed = { ...channel, words, visibility, ...membership, updatedAt: row.at }
  store.saveChannel(changed)
  const { seq, at } = row
  const base = { channelId: channel.id, seq, at }
  return {
    outcome: { seq, channel: detailsOf(store, changed) },
    entries: [{ kind: 'updated', ...base, ...changes, channel: channelOf(changed) }],
  }
}

/** The answer of a change that was applied before; without the channel when that is gone or hidden since. */
function repeatedChange(
  context: ApplyContext,
  { channelId, visibleTo }: CommandOf<'update-channel'>,
  { seq }: EntryRow,
): Effect {
  const channel = context.store.channel(channelId)
  const isShown = channel?.isLive === true && isVisible(context, channel, visibleTo)
  const details = isShown && { channel: detailsOf(context.store, channel) }
  return quiet({ seq, isDuplicate: true, ...details })
}

/** Who comes and who goes when these replace the participants: who stays keeps the place and what it is. */
function replacement(
  context: ApplyContext,
  { key, serverId }: ChannelRecord,
  wanted: readonly string[] | undefined,
): ParticipantChanges {
  if (wanted === undefined) return NO_CHANGES
  const { store } = context
  const newcomers = new Set(wanted)
  const total = newcomers.size
  const removed = store
    .participants(key)
    .map(({ entityId }) => entityId)
    .filter((entityId) => !newcomers.delete(entityId))
  requireRoom(context, { added: newcomers.size, total })
  const added = [...newcomers].map((entityId) => ({ entityId, isAgent: false }))
  if (added.length === 0 && removed.length === 0) return NO_CHANGES
  return { added: asStored(store, serverId, added), removed }
}

/** Puts who came behind those who are there. */
export function saveChanges(
  store: WriteStore,
  channelKey: number,
  { added, removed }: ParticipantChanges,
): void {
  for (const entityId of removed) store.removeParticipant(channelKey, entityId)
  for (const participant of added) store.saveParticipant(channelKey, participant)
}

/**
 * Marks everything so far as erased in one small write; the rows are swept later, in slices.
 *
 * @throws CHANNEL_NOT_FOUND.
 */
export function applyClear(context: ApplyContext, command: CommandOf<'clear'>): Effect {
  const { store } = context
  const earlier = earlierAttempt(context, command.id, 'cleared')
  if (earlier !== undefined) return quiet({ seq: earlier.seq, isDuplicate: true })
  const channel = requireChannel(context, command)
  const row: EntryRow = {
    ...nextPlace(context, channel),
    id: command.id,
    kind: 'cleared',
    data: null,
  }
  store.insertEntry(row)
  store.saveChannel({ ...channel, clearedSeq: row.seq })
  const { seq, at } = row
  return {
    outcome: { seq },
    entries: [{ kind: 'cleared', channelId: channel.id, seq, at }],
  }
}

/** @throws CHANNEL_NOT_FOUND with a guard; without one, what is not there needs no deletion. */
export function applyDeleteChannel(
  context: ApplyContext,
  command: CommandOf<'delete-channel'>,
): Effect {
  const earlier = earlierAttempt(context, command.id, 'removed')
  if (earlier !== undefined) return quiet({ seq: earlier.seq, isDuplicate: true })
  const channel =
    command.visibleTo === undefined
      ? context.store.channel(command.channelId)
      : requireChannel(context, command)
  if (channel?.isLive !== true) return quiet({})
  const { seq, at } = removeChannel(context, channel, command.id)
  return {
    outcome: { seq },
    entries: [{ kind: 'removed', channelId: channel.id, seq, at }],
  }
}
