import { ChannelError } from '../../protocol/errors.ts'
import type { Command, MessageDraft } from '../log.ts'
import { createChannel } from './channels.ts'
import { quiet, requireServer } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import { channelFor, insertMessage } from './posting.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import type { WriteStore } from './store.ts'
import { detailsOf, messageOf } from './views.ts'

type Post = Extract<Command, { type: 'post' }>

/**
 * The hot path: into a live channel it is one insert, whose conflict says that the message is
 * there already. Everything else is looked up first.
 */
export function applyPost(context: ApplyContext, command: Post): Effect {
  const { message } = command
  const channel = channelFor(context, command)
  if (channel?.isLive === true) {
    const { expectedServerId = channel.serverId } = command
    if (expectedServerId !== channel.serverId) return repeatElsewhere(context, command, channel)
    return insertMessage(context, message, channel) ?? repeat(context.store, command, channel)
  }
  if (findEarlier(context.store, message, channel) !== undefined) {
    return repeat(context.store, command, channel)
  }
  const draft = command.create
  if (draft === undefined) throw new ChannelError('CHANNEL_NOT_FOUND')
  if (draft.id !== message.channelId) throw new ChannelError('INVALID_PAYLOAD')
  requireServer(context, draft.serverId)
  const created = createChannel(context, draft, command.id)
  const effect = insertMessage(context, message, created)
  if (effect === undefined) throw new Error(`message ${message.id} conflicts with no row`)
  const details = detailsOf(context.store, created)
  return { ...effect, outcome: { ...effect.outcome, isCreated: true, channel: details } }
}

/** The answer of the first time. @throws MESSAGE_ID_TAKEN when the id is somebody else's. */
function repeat(store: WriteStore, command: Post, channel: ChannelRecord | undefined): Effect {
  const row = findEarlier(store, command.message, channel)
  if (row === undefined || channel === undefined) {
    throw new Error(`message ${command.message.id} conflicts with no row`)
  }
  const made = channel.createdBy === command.id
  return quiet({
    seq: row.seq,
    message: messageOf(channel, row),
    hasAgents: row.isAwaited === true,
    isDuplicate: true,
    ...(made && { isCreated: true }),
    ...(made && channel.isLive && { channel: detailsOf(store, channel) }),
  })
}

/**
 * A message to a channel of another server than the one that was named: only a repetition is answered.
 *
 * @throws SERVER_NOT_FOUND, INVALID_PAYLOAD.
 */
function repeatElsewhere(context: ApplyContext, command: Post, channel: ChannelRecord): Effect {
  if (findEarlier(context.store, command.message, channel) !== undefined) {
    return repeat(context.store, command, channel)
  }
  requireServer(context, command.expectedServerId ?? channel.serverId)
  const text = `Channel ${channel.id} belongs to message server ${channel.serverId}, not to the one that was named`
  throw new ChannelError('INVALID_PAYLOAD', text)
}

function findEarlier(
  store: WriteStore,
  { id, authorId, clientMessageId }: MessageDraft,
  channel: ChannelRecord | undefined,
): EntryRow | undefined {
  if (channel !== undefined && clientMessageId !== undefined) {
    const key = { channelKey: channel.key, authorId, clientMessageId }
    const row = store.postingByClientId(key)
    if (row !== undefined) return row
  }
  const row = store.entryById(id)
  if (row === undefined) return undefined
  const isSame =
    row.kind === 'posted' && row.authorId === authorId && row.channelKey === channel?.key
  if (!isSame) throw new ChannelError('MESSAGE_ID_TAKEN')
  return row
}
