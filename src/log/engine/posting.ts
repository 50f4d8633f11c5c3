import { ChannelError } from '../../protocol/errors.ts'
import type { Guard, MessageDraft } from '../log.ts'
import { isVisible, nextPlace } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import { countedBody } from './spoken-turns.ts'
import type { WriteStore } from './store.ts'
import { agentsOf, withBody } from './views.ts'

/**
 * Posts a message into a live channel: one insert. Undefined, and nothing happens, where its id or its
 * client id is taken.
 */
export function insertMessage(
  context: ApplyContext,
  draft: MessageDraft,
  channel: ChannelRecord,
): Effect | undefined {
  const { channelKey, seq, at } = nextPlace(context, channel)
  const agents = awaitedOf(context, channel, draft.authorId)
  const hasAgents = agents.length > 0
  const body = countedBody(context, channel, draft)
  const row: EntryRow = {
    channelKey,
    seq,
    at,
    id: draft.id,
    kind: 'posted',
    authorId: draft.authorId,
    ...(draft.clientMessageId !== undefined && { clientMessageId: draft.clientMessageId }),
    ...(hasAgents && { isAwaited: true }),
    data: JSON.stringify(body),
  }
  if (!context.store.insertPosting(row)) return undefined
  const message = withBody(channel, row, body)
  return {
    outcome: { seq, message, hasAgents },
    entries: [{ kind: 'posted', channelId: channel.id, seq, at, message, hasAgents }],
    ...(hasAgents && { agents, place: context.store.inbox.newestPlace() }),
  }
}

/**
 * For whom a message waits: agents that this server runs. Whoever answers from elsewhere cannot be known to be there,
 * so that a message is complete without it; the same holds for agents that were deleted, or have never run.
 */
function awaitedOf(
  { store, isAway }: ApplyContext,
  channel: ChannelRecord,
  authorId: string,
): readonly string[] {
  return agentsOf(store, channel).flatMap(({ agentId }) =>
    agentId !== authorId && !isAway(agentId) ? [agentId] : [],
  )
}

/** What somebody wants to say, and who may see where. */
export interface Saying extends Guard {
  readonly message: MessageDraft
}

/**
 * The channel, live or deleted. The guard holds for repetitions too: who knows a message's ids is not
 * necessarily who sent it, and the answer shows it. Only the very attempt of the entity that the guard
 * names, submitted again since the writer died before it answered, is answered as it would have been.
 *
 * @throws CHANNEL_NOT_FOUND where the guard hides it, or finds none; ACCESS_DENIED.
 */
export function channelFor(
  context: ApplyContext,
  { message, visibleTo }: Saying,
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
