import type { MessageContext, JoinEvent } from '../agent/message-worker.ts'
import type { WorkerMessage } from '../agent/worker.ts'
import { TEXTS } from '../protocol/wire.ts'
import { compact } from '../util/compact.ts'
import { isJsonObject } from '../util/json.ts'
import type { Json } from '../util/json.ts'
import type {
  ElizaConnection,
  ElizaEvent,
  ElizaMemory,
  ElizaRuntime,
  Uuid,
} from './eliza-runtime.ts'
import { ownUuid, uuidOf } from './uuid.ts'

type ChannelInHand = Pick<MessageContext['channel'], 'type'>

/** elizaOS's events, by its names. */
export const JOINED = 'ENTITY_JOINED'
export const RECEIVED = 'MESSAGE_RECEIVED'

/** ENTITY_JOINED as elizaOS's documentation has it. */
export interface EntityJoined extends ElizaEvent {
  entityId: Uuid
  worldId: Uuid
  roomId: Uuid
  metadata: Readonly<Record<string, unknown>>
}

/** Ids are the server's own here: elizaOS's handlers make the runtime's own ones of them. */
export function entityJoined(
  runtime: ElizaRuntime,
  { entityId, serverId, channelId, metadata, source }: JoinEvent,
  channel: ChannelInHand,
): EntityJoined {
  const isDm = metadata['isDm'] ?? (metadata['channelType'] ?? channel.type) === 'DM'
  return {
    entityId: uuidOf(entityId),
    runtime,
    worldId: uuidOf(serverId),
    roomId: uuidOf(channelId),
    metadata: { type: isDm === true ? 'DM' : 'GROUP', isDm, ...metadata },
    source,
  }
}

/** elizaOS asks of attachments that each has an id. */
function mediaOf(attachment: Json, index: number): Json {
  return isJsonObject(attachment) ? { id: `attachment-${index + 1}`, ...attachment } : attachment
}

/**
 * A message as the runtime's memory has it. Who said it is known by the id that ENTITY_JOINED has; the room, the
 * world and the message by the runtime's own, as elizaOS's server gives them: a runtime that moves here finds its
 * entities and rooms again. What the client gave is in `metadata`, and the server's ids are in `metadata.raw`.
 */
export function memoryOf(
  runtime: ElizaRuntime,
  message: WorkerMessage,
  channel: ChannelInHand,
): ElizaMemory {
  const own = (id: string): Uuid => ownUuid(runtime, id)
  const { id, channelId, serverId, senderId, senderName, seq, source } = message
  const { attachments, inReplyTo, metadata, createdAt } = message
  return {
    id: own(id),
    entityId: uuidOf(senderId),
    agentId: runtime.agentId,
    roomId: own(channelId),
    worldId: own(serverId),
    createdAt,
    content: {
      text: message.text,
      source,
      channelType: channel.type,
      ...compact({ inReplyTo: inReplyTo === undefined ? undefined : own(inReplyTo) }),
      ...(attachments.length > 0 && { attachments: attachments.map(mediaOf) }),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    },
    metadata: {
      ...metadata,
      type: 'message',
      source,
      sourceId: uuidOf(id),
      entityName: senderName,
      raw: { id, channelId, serverId, senderId, senderName, seq },
    },
  }
}

/**
 * As elizaOS's handler of ENTITY_JOINED makes a world: who is the first to talk with an agent in private owns it.
 * Without an owner its plugins complain about every message.
 */
function ownedBy(entityId: Uuid): Record<string, unknown> {
  return { ownership: { ownerId: entityId }, roles: { [entityId]: 'OWNER' }, settings: {} }
}

/** Who said it where: the runtime has to know them before it handles the message. */
export function connectionOf(
  runtime: ElizaRuntime,
  { senderId, senderName, channelId, serverId, source }: WorkerMessage,
  channel: ChannelInHand,
): ElizaConnection {
  const entityId = uuidOf(senderId)
  const isPrivate = channel.type === 'DM' && source !== TEXTS.agentSource
  return {
    entityId,
    roomId: ownUuid(runtime, channelId),
    worldId: ownUuid(runtime, serverId),
    userName: senderName,
    name: senderName,
    source,
    channelId,
    messageServerId: uuidOf(serverId),
    type: channel.type,
    userId: entityId,
    ...(isPrivate && { metadata: ownedBy(entityId) }),
  }
}
