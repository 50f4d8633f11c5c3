import type {
  Channel,
  ChannelDetails,
  Message,
  MessageBody,
  MessageServer,
} from '../../protocol/model.ts'
import type { Failure } from '../../service/failures.ts'
import type { ListedAgent } from '../../service/agent-directory.ts'
import { compact } from '../../util/compact.ts'
import { isJsonObject } from '../../util/json.ts'
import type { Json, JsonObject } from '../../util/json.ts'

const iso = (epochMs: number): string => new Date(epochMs).toISOString()

const times = (row: { readonly createdAt: number; readonly updatedAt: number }) => ({
  createdAt: iso(row.createdAt),
  updatedAt: iso(row.updatedAt),
})

/** elizaOS's message server row. */
export function serverRow(server: MessageServer): JsonObject {
  const { id, name, sourceType, sourceId, metadata } = server
  return compact({ id, name, sourceType, sourceId, metadata, ...times(server) })
}

/** The same as users and agents see it: which servers there are. */
export function publicServerRow(server: MessageServer): JsonObject {
  const { id, name, sourceType } = server
  return { id, name, sourceType, ...times(server) }
}

/** elizaOS's channel row, without participants. */
export function channelRow(channel: Channel): JsonObject {
  const { id, name, type, sourceType, sourceId, topic, visibility, ownerId, metadata } = channel
  return compact({
    id,
    messageServerId: channel.serverId,
    name,
    type,
    sourceType,
    sourceId,
    topic,
    visibility,
    ownerId,
    metadata,
    ...times(channel),
  })
}

/**
 * The same with `metadata.participantCentralUserIds`: the official client adds a user by reading
 * that list and writing it back longer, and would otherwise replace everyone by the new one.
 */
export function channelDetailsRow(channel: ChannelDetails): JsonObject {
  const participantCentralUserIds = channel.participants.map(({ entityId }) => entityId)
  return channelRow({
    ...channel,
    metadata: { ...channel.metadata, participantCentralUserIds },
  })
}

const hasItems = (list: readonly Json[] | undefined): list is readonly Json[] =>
  list !== undefined && list.length > 0

/** Attachments are stored once, beside the metadata; elizaOS's readers look for them inside. */
function metadataOf(body: MessageBody): JsonObject {
  return hasItems(body.attachments)
    ? { ...body.metadata, attachments: body.attachments }
    : (body.metadata ?? {})
}

/** What a socket client sent, from what is stored: keeping both would double every message. */
function socketPayload(message: Message): JsonObject {
  const { body } = message
  return compact({
    channelId: message.channelId,
    senderId: message.authorId,
    senderName: body.senderName,
    message: body.text,
    messageServerId: message.serverId,
    messageId: message.clientMessageId,
    source: body.source,
    metadata: body.metadata,
    attachments: hasItems(body.attachments) ? body.attachments : undefined,
  })
}

function socketMetadata(message: Message): JsonObject {
  return compact({
    ...metadataOf(message.body),
    user_display_name: message.body.senderName,
    messageServerId: message.serverId,
  })
}

/** elizaOS's message row, with `seq`. */
export function messageRow(message: Message): JsonObject {
  const { body } = message
  const isFromSocket = body.raw === undefined
  return compact({
    id: message.id,
    channelId: message.channelId,
    seq: message.seq,
    authorId: message.authorId,
    senderName: body.senderName,
    content: body.text,
    rawMessage: isFromSocket ? socketPayload(message) : body.raw,
    inReplyToRootMessageId: body.inReplyTo ?? null,
    sourceType: body.source,
    sourceId: body.sourceId ?? message.clientMessageId,
    streamState: body.stream?.state,
    metadata: isFromSocket ? socketMetadata(message) : metadataOf(body),
    ...times(message),
  })
}

/** The row as lists have it: times also in ms, and what agents put into the raw message lifted into metadata. */
export function listedMessageRow(message: Message): JsonObject {
  const row = messageRow(message)
  const raw = message.body.raw
  const lifted = isJsonObject(raw)
    ? compact({ thought: raw.thought, actions: raw.actions, attachments: raw.attachments })
    : {}
  return {
    ...row,
    metadata: { ...lifted, ...(isJsonObject(row.metadata) ? row.metadata : {}) },
    created_at: message.createdAt,
    updated_at: message.updatedAt,
  }
}

/** The message as elizaOS's internal bus carries it, which is what posting answers. */
export function busRow(message: Message): JsonObject {
  const { body } = message
  return compact({
    id: message.id,
    channel_id: message.channelId,
    message_server_id: message.serverId,
    author_id: message.authorId,
    author_display_name: body.senderName ?? 'User',
    content: body.text,
    created_at: message.createdAt,
    seq: message.seq,
    source_type: body.source,
    source_id: body.sourceId,
    in_reply_to_message_id: body.inReplyTo,
    raw_message: body.raw,
    streamState: body.stream?.state,
    metadata: metadataOf(body),
  })
}

/** elizaOS's agent row. */
export function agentRow({ id, name, bio, isActive }: ListedAgent): JsonObject {
  return { id, name, characterName: name, bio, status: isActive ? 'active' : 'inactive' }
}

/** The same for administrators and services. */
export function fullAgentRow(agent: ListedAgent): JsonObject {
  return compact({ ...agentRow(agent), url: agent.url })
}

export function failureRow(failure: Failure): JsonObject {
  const { messageId, channelId, attempts, reason, failedAt, isRetrying, place } = failure
  return { messageId, channelId, attempts, reason, failedAt: iso(failedAt), isRetrying, place }
}
