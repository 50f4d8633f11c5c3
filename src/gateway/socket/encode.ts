import type {
  AgentTurn,
  Entry,
  Ephemeral,
  Message,
  StreamChunk,
  StreamLoss,
} from '../../protocol/model.ts'
import { compact } from '../../util/compact.ts'
import { isJsonObject } from '../../util/json.ts'
import type { JsonObject } from '../../util/json.ts'
import { EVENTS, TEXTS } from '../../protocol/wire.ts'
import { channelRow } from '../http/rows.ts'
import { eventPacket } from './packets.ts'

/** How every event packet ends: its payload, then itself. */
const PAYLOAD_END = '}]'
/** How a broadcast begins. */
const BROADCAST_START = `2["${EVENTS.messageBroadcast}",`

/** `thought` and `actions`, which elizaOS agents put into the raw message. */
function agentFields(message: Message): JsonObject {
  const { raw } = message.body
  if (!isJsonObject(raw)) return {}
  const { thought, actions } = raw
  return { thought, actions }
}

/** The superset of the five `messageBroadcast` shapes of the elizaOS server, in both spellings. */
function broadcast(message: Message, entry: Entry): JsonObject {
  const { body, channelId, serverId } = message
  const isEdit = entry.kind === 'edited'
  const isAction = body.source === 'agent_action'
  return {
    id: message.id,
    senderId: message.authorId,
    senderName: body.senderName ?? TEXTS.defaultSenderName,
    text: body.text,
    channelId,
    roomId: channelId,
    serverId,
    messageServerId: serverId,
    createdAt: message.createdAt,
    source: body.source,
    attachments: body.attachments ?? [],
    ...agentFields(message),
    metadata: body.metadata,
    inReplyTo: body.inReplyTo,
    streamState: body.stream?.state,
    seq: entry.seq,
    ...(isEdit ? { messageSeq: message.seq } : {}),
    ...(isEdit || isAction ? { updatedAt: message.updatedAt } : {}),
    ...(isAction ? { rawMessage: body.raw } : {}),
  }
}

/** Replaces the broadcast among an entry's packets; there is one at most. */
function withBroadcast(
  packets: readonly string[],
  replace: (broadcastPacket: string) => readonly string[],
): readonly string[] {
  return packets.flatMap((packet) =>
    packet.startsWith(BROADCAST_START) ? replace(packet) : packet,
  )
}

/**
 * What a message's own sender gets for its posting: what everybody gets, the broadcast with the id that the
 * client gave it. Made from their text, since encoding the message again costs ten times that.
 */
export function ownPackets(
  shared: readonly string[],
  clientMessageId: string | undefined,
): readonly string[] {
  if (clientMessageId === undefined) return shared
  return withBroadcast(shared, (packet) => {
    const open = packet.slice(0, -PAYLOAD_END.length)
    return [`${open},"clientMessageId":${JSON.stringify(clientMessageId)}${PAYLOAD_END}`]
  })
}

/** The answer to a send, which is also what its acknowledgement callback gets. */
export function ackPayload(message: Message, clientMessageId: string | undefined): object {
  return {
    clientMessageId,
    messageId: message.id,
    status: TEXTS.ackStatus,
    channelId: message.channelId,
    roomId: message.channelId,
    seq: message.seq,
  }
}

/** Puts the acknowledgement right behind the sender's copy of its message, or alone where there is none. */
export function withAck(own: readonly string[], ack: object): readonly string[] {
  const ackPacket = eventPacket(EVENTS.messageAck, ack)
  return own.length === 0 ? [ackPacket] : withBroadcast(own, (packet) => [packet, ackPacket])
}

/** The answer to a leave. */
export function leftPayload(socketId: string, channelId: string): object {
  return {
    message: `Socket ${socketId} left channel ${channelId}.`,
    channelId,
    roomId: channelId,
  }
}

/** Tells a client that it is in the channel no more since the entry with this number, without having left it. */
export function expelledPacket(socketId: string, { channelId, seq }: Entry): string {
  const payload = { ...leftPayload(socketId, channelId), reason: TEXTS.leftRemoved, seq }
  return eventPacket(EVENTS.channelLeft, payload)
}

/** More of a stream's text, in elizaOS's shape, with its place in the text. */
export function chunkPacket(frame: StreamChunk): string {
  const { messageId, chunk, index, agentId, channelId, offset } = frame
  const payload = { messageId, chunk, index, agentId, channelId, roomId: channelId, offset }
  return eventPacket(EVENTS.messageStreamChunk, payload)
}

/** What an agent is doing, as the answer to a join lists it. */
export function agentRow({ agentId, messageId, state, streamMessageId }: AgentTurn): JsonObject {
  return { agentId, messageId, state, ...compact({ streamMessageId }) }
}

function turnPacket({ channelId, ...turn }: AgentTurn & { readonly channelId: string }): string {
  const payload = { channelId, roomId: channelId, ...agentRow(turn) }
  return eventPacket(EVENTS.agentState, payload)
}

/** What everybody in the channel gets of something that is not stored. */
export function ephemeralPacket(frame: Ephemeral): string {
  switch (frame.kind) {
    case 'complete': {
      const { channelId, serverId, messageId } = frame
      return eventPacket(EVENTS.messageComplete, { channelId, serverId, messageId })
    }
    case 'typing': {
      const { channelId, entityId, isTyping, ttlMs } = frame
      return eventPacket(EVENTS.typing, { channelId, roomId: channelId, entityId, isTyping, ttlMs })
    }
    case 'chunk':
      return chunkPacket(frame)
    case 'loss':
      return lossPacket(frame)
    case 'turn':
      return turnPacket(frame)
    case 'activity':
      throw new Error('what a process begins with is not for clients')
  }
}

/** What clients read of a stream whose author did not say why it ended. */
const STREAM_ERRORS = {
  interrupted: 'The stream was interrupted.',
  failed: 'The agent failed.',
} as const

/** `messageStreamError` without a message: a stream left nothing but what was shown. */
function lossPacket({ messageId, channelId, agentId, text }: StreamLoss): string {
  const where = { messageId, channelId, roomId: channelId, agentId }
  const error = STREAM_ERRORS.interrupted
  return eventPacket(EVENTS.messageStreamError, { ...where, error, partialText: text })
}

/** `messageStreamError` ahead of what there is of a message, where nobody meant it to be all. */
function streamErrorOf({ id, channelId, authorId, body }: Message): string[] {
  const { stream, text } = body
  if (stream === undefined || stream.state === 'cancelled') return []
  const error = stream.error ?? STREAM_ERRORS[stream.state]
  const where = { messageId: id, channelId, roomId: channelId, agentId: authorId }
  return [eventPacket(EVENTS.messageStreamError, { ...where, error, partialText: text })]
}

/** `messageComplete` right behind a message that no agent will answer. */
function completionOf(entry: Entry): string[] {
  if (entry.kind !== 'posted' || entry.hasAgents || entry.message === null) return []
  const { channelId, serverId, id } = entry.message
  return [eventPacket(EVENTS.messageComplete, { channelId, serverId, messageId: id })]
}

type ChangeEntry = Extract<Entry, { readonly kind: 'updated' | 'participants' }>

/** The channel as it is, and who came and went where anybody did; nothing of a channel that is gone. */
function updatedPacket({ channelId, seq, channel, added, removed }: ChangeEntry): string[] {
  if (channel === null) return []
  const participants = { added: added.map(({ entityId }) => entityId), removed }
  const hasMoved = added.length > 0 || removed.length > 0
  const payload = {
    channelId,
    roomId: channelId,
    updates: channelRow(channel),
    ...(hasMoved ? { participants } : {}),
    seq,
  }
  return [eventPacket(EVENTS.channelUpdated, payload)]
}

/** The packets that everybody but a message's own sender gets for an entry; none for what was erased. */
export function entryPackets(entry: Entry): readonly string[] {
  const { channelId, seq } = entry
  const ref = { channelId, roomId: channelId, seq }
  switch (entry.kind) {
    case 'posted':
    case 'edited':
      if (entry.message === null) return []
      return [
        ...(entry.kind === 'posted' ? streamErrorOf(entry.message) : []),
        eventPacket(EVENTS.messageBroadcast, broadcast(entry.message, entry)),
        ...completionOf(entry),
      ]
    case 'deleted':
      return [eventPacket(EVENTS.messageDeleted, { messageId: entry.messageId, ...ref })]
    case 'cleared':
      return [eventPacket(EVENTS.channelCleared, ref)]
    case 'updated':
    case 'participants':
      return updatedPacket(entry)
    case 'removed':
      return [eventPacket(EVENTS.channelDeleted, ref)]
  }
}
