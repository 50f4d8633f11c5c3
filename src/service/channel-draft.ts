import type { ChannelDraft } from '../log/log.ts'
import { isId } from '../protocol/ids.ts'
import { DEFAULT_SERVER_ID } from '../protocol/limits.ts'
import { CHANNEL_TYPES } from '../protocol/model.ts'
import type { ChannelType, Participant } from '../protocol/model.ts'
import { canonicalId } from '../util/ids.ts'
import type { Json, JsonObject } from '../util/json.ts'

/** How elizaOS marks a channel that its first message made. */
export interface AutoCreate {
  readonly createdBy: 'socketio_auto_creation' | 'gui_auto_creation'
  /** The other one of a DM. */
  readonly targetUserId?: string | undefined
}

export interface AutoCreateRequest {
  readonly channelId: string
  readonly serverId?: string | undefined
  readonly authorId: string
  readonly metadata?: JsonObject | undefined
  readonly autoCreate: AutoCreate
}

/** True for a type of the protocol, and of nothing that a prototype could add to it. */
function isChannelType(value: unknown): value is ChannelType {
  return (CHANNEL_TYPES as readonly unknown[]).includes(value)
}

/**
 * Metadata without `participantCentralUserIds`: reads fill it from the participants, so what a
 * client sends back is a stale copy and never stored.
 */
export function ownMetadata(metadata: JsonObject): JsonObject {
  if (!Object.hasOwn(metadata, 'participantCentralUserIds')) return metadata
  const { participantCentralUserIds: _derived, ...own } = metadata
  return own
}

function typeOf(metadata: JsonObject): ChannelType {
  const named = metadata.channelType ?? metadata.channel_type
  if (metadata.isDm === true || named === 'DM') return 'DM'
  return isChannelType(named) ? named : 'GROUP'
}

const asId = (value: Json | undefined): string | undefined =>
  isId(value) ? canonicalId(value) : undefined

/** The channel that a first message makes: named after its id, with its author, and for a DM with the other one. */
export function autoCreatedChannel(request: AutoCreateRequest): ChannelDraft {
  const { channelId, authorId, autoCreate } = request
  const metadata = ownMetadata(request.metadata ?? {})
  const type = typeOf(metadata)
  const participants: Participant[] = [{ entityId: authorId, isAgent: false }]
  const target =
    asId(metadata.targetUserId) ?? asId(metadata.recipientId) ?? asId(autoCreate.targetUserId)
  if (type === 'DM' && target !== undefined && target !== authorId) {
    participants.push({ entityId: target, isAgent: false })
  }
  return {
    id: channelId,
    serverId: request.serverId ?? DEFAULT_SERVER_ID,
    name: `${type === 'DM' ? 'DM' : 'Chat'} ${channelId.slice(0, 8)}`,
    type,
    sourceType: 'auto_created',
    metadata: {
      created_by: autoCreate.createdBy,
      created_for_user: authorId,
      created_at: new Date().toISOString(),
      channel_type: type,
      ...metadata,
    },
    participants,
  }
}
