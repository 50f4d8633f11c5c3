import { ChannelError } from '../../protocol/errors.ts'
import type { Command, MessageDraft } from '../log.ts'
import { createChannel } from './channels.ts'
import { isVisible, nextPlace, quiet, requireServer } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import type { WriteStore } from './store.ts'
import { detailsOf, messageOf, withBody } from './views.ts'

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
    return insert(context, command, channel) ?? repeat(context.store, command, channel)
  }
  if (findEarlier(context.store, message, channel) !== undefined) {
    return repeat(context.store, command, channel)
  }
  const draft = command.create
  if (draft === undefined) throw new ChannelError('CHANNEL_NOT_FOUND')
  if (draft.id !== message.channelId) throw new ChannelError('INVALID_PAYLOAD')
  requireServer(context, draft.serverId)
  const created = createChannel(context, draft, command.id)
  const effect = insert(context, command, created)
  if (effect === undefined) throw new Error(`message ${message.id} conflicts with no row`)
  const details = detailsOf(context.store, created)
  return { ...effect, outcome: { ...effect.outcome, isCreated: true, channel: details } }
}

/**
 * The channel, live or deleted. The guard holds for repetitions too: who knows a message's ids is not
 * necessarily who sent it, and the answer shows it. Only the very attempt of the entity that the guard
 * names, submitted again since the writer died before it answered, is answered as it would have been.
 *
 * @throws CHANNEL_NOT_FOUND where the guard hides it, or finds none; ACCESS_DENIED.
 */
function channelFor(
  context: ApplyContext,
  { message, visibleTo }: Post,
): ChannelRecord | undefined {
  const channel = context.store.channel(message.channelId)
  if (visibleTo === undefined) return channel
  if (channel !== undefined && isVisible(context, channel, visibleTo)) {
    requireSpeaker(context, channel, { authorId: message.authorId, speaker: visibleTo })
    return channel
  }
  const isOwnAttempt = message.authorId === visibleTo && isStored(context.store, message, channel)
  if (isOwnAttempt && channel?.isLive === true) return channel
  throw new ChannelError('CHANNEL_NOT_FOUND')
}

/** @throws ACCESS_DENIED when somebody writes in another's name where it takes no part itself. */
function requireSpeaker(
  { store }: ApplyContext,
  { key }: ChannelRecord,
  { authorId, speaker }: { readonly authorId: string; readonly speaker: string },
): void {
  if (authorId === speaker || store.participant(key, speaker) !== undefined) return
  throw new ChannelError('ACCESS_DENIED', 'You may speak for others only where you take part.')
}

function isStored(
  store: WriteStore,
  { id, authorId }: MessageDraft,
  channel: ChannelRecord | undefined,
): boolean {
  const row = store.entryById(id)
  return row?.kind === 'posted' && row.authorId === authorId && row.channelKey === channel?.key
}

function insert(
  context: ApplyContext,
  { message: draft }: Post,
  channel: ChannelRecord,
): Effect | undefined {
  const { channelKey, seq, at } = nextPlace(context, channel)
  const row: EntryRow = {
    channelKey,
    seq,
    at,
    id: draft.id,
    kind: 'posted',
    authorId: draft.authorId,
    ...(draft.clientMessageId !== undefined && { clientMessageId: draft.clientMessageId }),
    data: JSON.stringify(draft.body),
  }
  if (!context.store.insertPosting(row)) return undefined
  const message = withBody(channel, row, draft.body)
  const { hasAgents } = channel
  return {
    outcome: { seq, message, hasAgents },
    entries: [{ kind: 'posted', channelId: channel.id, seq, at, message, hasAgents }],
  }
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
    hasAgents: channel.hasAgents,
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
