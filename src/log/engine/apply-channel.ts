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
} from './channels.ts'
import { earlierAttempt, nextPlace, quiet, requireChannel, requireServer } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import type { WriteStore } from './store.ts'
import { detailsOf } from './views.ts'

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>

/** @throws CHANNEL_EXISTS, SERVER_NOT_FOUND. */
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

/** @throws CHANNEL_NOT_FOUND. */
export function applyUpdateChannel(
  context: ApplyContext,
  command: CommandOf<'update-channel'>,
): Effect {
  const { store } = context
  const earlier = earlierAttempt(context, command.id, 'updated')
  if (earlier !== undefined) return repeatedChange(context, command.channelId, earlier)
  const channel = requireChannel(context, command.channelId)
  const { name, topic, metadata } = command
  const words = {
    ...channel.words,
    ...(name !== undefined && { name }),
    ...(topic !== undefined && { topic }),
    ...(metadata !== undefined && { metadata: structuredClone(metadata) }),
  }
  const row: EntryRow = {
    ...nextPlace(context, channel),
    id: command.id,
    kind: 'updated',
    data: null,
  }
  store.insertEntry(row)
  if (command.participants !== undefined) replace(store, channel, command.participants)
  const changed = { ...channel, words, ...membershipOf(store, channel), updatedAt: row.at }
  store.saveChannel(changed)
  const details = detailsOf(store, changed)
  const { seq, at } = row
  return {
    outcome: { seq, channel: details },
    entries: [{ kind: 'updated', channelId: channel.id, seq, at, channel: details }],
  }
}

/** The answer of a change that was applied before; without the channel when that is gone since. */
export function repeatedChange(
  { store }: ApplyContext,
  channelId: string,
  { seq }: EntryRow,
): Effect {
  const channel = store.channel(channelId)
  const details = channel?.isLive === true && { channel: detailsOf(store, channel) }
  return quiet({ seq, isDuplicate: true, ...details })
}

/** Who stays keeps the place and what it is; who is new follows. */
function replace(store: WriteStore, channel: ChannelRecord, wanted: readonly string[]): void {
  const { key, serverId } = channel
  const added = new Set(wanted)
  for (const { entityId } of store.participants(key)) {
    if (!added.delete(entityId)) store.removeParticipant(key, entityId)
  }
  const newcomers = [...added].map((entityId) => ({ entityId, isAgent: false }))
  for (const participant of asStored(store, serverId, newcomers)) {
    store.saveParticipant(key, participant)
  }
}

/** Marks everything so far as erased in one small write; the rows are swept later, in slices. */
export function applyClear(context: ApplyContext, command: CommandOf<'clear'>): Effect {
  const { store } = context
  const earlier = earlierAttempt(context, command.id, 'cleared')
  if (earlier !== undefined) return quiet({ seq: earlier.seq, isDuplicate: true })
  const channel = requireChannel(context, command.channelId)
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

export function applyDeleteChannel(
  context: ApplyContext,
  command: CommandOf<'delete-channel'>,
): Effect {
  const earlier = earlierAttempt(context, command.id, 'removed')
  if (earlier !== undefined) return quiet({ seq: earlier.seq, isDuplicate: true })
  const channel = context.store.channel(command.channelId)
  if (channel?.isLive !== true) return quiet({})
  const { seq, at } = removeChannel(context, channel, command.id)
  return {
    outcome: { seq },
    entries: [{ kind: 'removed', channelId: channel.id, seq, at }],
  }
}
