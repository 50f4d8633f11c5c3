import { ChannelError } from '../../protocol/errors.ts'
import type { Message, MessageBody, StreamEnding } from '../../protocol/model.ts'
import type { StreamOutcome } from '../agent-work.ts'
import type { Command } from '../log.ts'
import { quiet, requireChannel, requireChannelByKey } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import { ENGINE_LIMITS } from './limits.ts'
import { channelFor, insertMessage } from './posting.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import type { StreamRecord } from './stream-store.ts'
import { streamBodyOf } from './streams.ts'
import { agentsOf, isErased, messageOf } from './views.ts'

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>
type Open = CommandOf<'open-stream'>
type End = Pick<CommandOf<'end-stream'>, 'state' | 'error' | 'body'>

/** Why a stream did not come to its end whose process is gone. */
export const PROCESS_ENDED = 'the process that wrote it ended'

/** @throws CHANNEL_NOT_FOUND, ACCESS_DENIED, MESSAGE_ID_TAKEN, OVERLOADED. */
export function applyOpenStream(context: ApplyContext, command: Open): Effect {
  const channel = channelFor(context, command)
  if (channel?.isLive !== true) throw new ChannelError('CHANNEL_NOT_FOUND')
  return openAs(context, channel, { ...command, name: command.message.clientMessageId })
}

/** Opens under the name where that is free; one that somebody else left open has ended then. */
function openAs(
  context: ApplyContext,
  channel: ChannelRecord,
  command: Open & { readonly name: string },
): Effect {
  const { message, name, again, owner } = command
  const { store } = context
  const key = { channelKey: channel.key, authorId: message.authorId, clientMessageId: name }
  const open = store.streams.named(key)
  if (open !== undefined) {
    if (open.owner === owner) return quiet({ isDuplicate: true, stream: goingOn(open) })
    requireFree(context, message.id)
    const body = { ...streamBodyOf(open), text: open.text }
    const first = end(context, open, { state: 'interrupted', error: PROCESS_ENDED, body })
    return behind(first, openAs(context, channel, command))
  }
  const posting = store.postingByClientId(key)
  if (posting === undefined) {
    requireFree(context, message.id)
    return begin(context, channel, command)
  }
  const earlier = messageOf(channel, posting)
  // Its own earlier attempt is not to be done again.
  const mayDoAgain = again !== undefined && again !== name && posting.id !== message.id
  if (mayDoAgain && endingOf(earlier).state !== 'complete') {
    return openAs(context, channel, { ...command, name: again })
  }
  return ended(earlier)
}

function begin(
  { store }: ApplyContext,
  { key: channelKey }: ChannelRecord,
  { message, name, owner, answers }: Open & { readonly name: string },
): Effect {
  const { id, authorId, body } = message
  const stream: StreamRecord = {
    id,
    channelKey,
    authorId,
    name,
    owner,
    ...(answers !== undefined && { answers }),
    isCancelled: false,
    body: JSON.stringify({ ...body, text: '' }),
    text: '',
  }
  store.streams.insert(stream)
  return quiet({ stream: goingOn(stream) })
}

/** @throws MESSAGE_ID_TAKEN, OVERLOADED. */
function requireFree({ store }: ApplyContext, messageId: string): void {
  if (store.entryById(messageId) !== undefined || store.streams.stream(messageId) !== undefined) {
    throw new ChannelError('MESSAGE_ID_TAKEN')
  }
  if (store.streams.count() >= ENGINE_LIMITS.maxStreams) throw new ChannelError('OVERLOADED')
}

/** The second of two effects of one command, with what the first did; its message is the first's where it has none. */
function behind(first: Effect, second: Effect): Effect {
  const { message } = first.outcome
  const { agents, place } = first.agents === undefined ? second : first
  return {
    outcome: { ...(message !== undefined && { message }), ...second.outcome },
    entries: [...first.entries, ...second.entries],
    ...(agents !== undefined && { agents }),
    ...(place !== undefined && { place }),
  }
}

/** @throws STREAM_NOT_FOUND. */
export function applyEndStream(context: ApplyContext, command: CommandOf<'end-stream'>): Effect {
  const { store } = context
  const open = store.streams.stream(command.messageId)
  if (open !== undefined) return end(context, open, command)
  const posting = store.entryById(command.messageId)
  if (posting?.kind === 'posted') {
    return ended(messageOf(requireChannelByKey(context, posting.channelKey), posting))
  }
  // What left nothing when it ended is not known any more: there is nothing to do, as there was then.
  if (!isEmpty(command.body)) throw new ChannelError('STREAM_NOT_FOUND')
  const { messageId, state } = command
  return quiet({ isDuplicate: true, stream: { messageId, state } })
}

/** Takes the stream from those that go on, and posts what it became unless that is nothing. */
function end(context: ApplyContext, open: StreamRecord, command: End): Effect {
  const { store } = context
  const { id, channelKey, authorId, name: clientMessageId } = open
  const channel = requireChannelByKey(context, channelKey)
  store.streams.remove(id)
  const stream = { messageId: id, state: command.state }
  if (isEmpty(command.body)) return quiet({ stream })
  const body = endedBody(command)
  const draft = { id, channelId: channel.id, authorId, clientMessageId, body }
  const posted = insertMessage(context, draft, channel)
  if (posted !== undefined) return { ...posted, outcome: { ...posted.outcome, stream } }
  // Its author said something else under its name meanwhile, and that stands.
  const taken = store.postingByClientId({ channelKey, authorId, clientMessageId })
  if (taken !== undefined) return ended(messageOf(channel, taken))
  // Somebody else's message has its id: it can become none.
  return quiet({ stream: { messageId: id, state: 'failed' } })
}

function endedBody({ state, error, body }: End): MessageBody {
  const { stream: _, ...whole } = body
  if (state === 'complete') return whole
  const stream: StreamEnding = { state, ...(error !== undefined && { error }) }
  return { ...whole, stream }
}

function isEmpty({ text, attachments = [] }: MessageBody): boolean {
  return text === '' && attachments.length === 0
}

/**
 * Whoever knows what agents are on decides what is answered of a message that was no stream; that they are not to
 * begin with it is stored here.
 *
 * @throws CHANNEL_NOT_FOUND.
 */
export function applyCancelStream(
  context: ApplyContext,
  command: CommandOf<'cancel-stream'>,
): Effect {
  const { store } = context
  const channel = requireChannel(context, command)
  const open = store.streams.stream(command.messageId)
  if (open?.channelKey === channel.key) {
    if (!open.isCancelled) store.streams.cancel(open.id)
    return quiet({ stream: goingOn({ ...open, isCancelled: true }) })
  }
  const posting = store.entryById(command.messageId)
  if (!isMessageOf(channel, posting)) return quiet({})
  const effect = quiet({ stream: endingOf(messageOf(channel, posting)) })
  const { agents, place } = withdraw(context, channel, posting)
  return agents.length === 0 ? effect : { ...effect, agents, place }
}

/**
 * Notes that agents are not to deal with a message; answers those that may not be through with it. The message does not
 * wait for one that nobody runs, and what would be noted for it might never be removed.
 */
function withdraw(
  { store, nowMs, isAway }: ApplyContext,
  channel: ChannelRecord,
  posting: EntryRow,
) {
  const { id, channelKey, seq, authorId } = posting
  const place = store.inbox.placeOf(id) ?? 0
  const agents = agentsOf(store, channel).flatMap(({ agentId }) => {
    if (agentId === authorId || isAway(agentId)) return []
    const cursor = store.inbox.cursor(agentId)
    return cursor !== undefined && cursor.place < place ? [agentId] : []
  })
  for (const agentId of agents) {
    // It gave it up already.
    if (store.inbox.failureOf(agentId, id) !== undefined) continue
    const none = { attempts: 0, changedBy: null, reason: '' } as const
    store.inbox.saveFailure({
      agentId,
      place,
      channelKey,
      seq,
      state: 'cancelled',
      at: nowMs,
      ...none,
    })
  }
  return { agents, place }
}

function isMessageOf(channel: ChannelRecord, row: EntryRow | undefined): row is EntryRow {
  return row?.kind === 'posted' && row.channelKey === channel.key && !isErased(channel, row)
}

export function applyCheckpointStreams(
  { store }: ApplyContext,
  { texts }: CommandOf<'checkpoint-streams'>,
): Effect {
  for (const { messageId, text } of texts) store.streams.saveText(messageId, text)
  return quiet({})
}

function goingOn({ id, isCancelled }: StreamRecord): StreamOutcome {
  return { messageId: id, state: 'streaming', ...(isCancelled && { isCancelled }) }
}

/** What was no stream came to its end, and so did what is erased, since nothing says otherwise. */
function endingOf({ id, body }: Message): StreamOutcome {
  return { messageId: id, state: body.stream?.state ?? 'complete' }
}

function ended(message: Message): Effect {
  return quiet({ seq: message.seq, message, isDuplicate: true, stream: endingOf(message) })
}
