import type {
  ChannelType,
  EntryKind,
  MessageServer,
  Participant,
  Visibility,
} from '../../protocol/model.ts'
import type { Standing } from '../log.ts'
import type { ChannelRecord, ChannelWords, EntryRow, ServerRecord } from '../engine/records.ts'
import { decodeId } from './id-codec.ts'
import type { StoredId } from './id-codec.ts'

/** A kind's index is what the database holds: append, never reorder. */
const KINDS: readonly EntryKind[] = [
  'posted',
  'edited',
  'deleted',
  'cleared',
  'updated',
  'participants',
  'removed',
]

/** Numbers of kinds, for statements. */
export const POSTED = 0
export const EDITED = 1
export const UPDATED = 4
export const PARTICIPANTS = 5

export function encodeKind(kind: EntryKind): number {
  return KINDS.indexOf(kind)
}

export interface EntryColumns {
  readonly channel_key: number
  readonly seq: number
  readonly id: StoredId
  readonly kind: number
  readonly at: number
  readonly author_id: StoredId | null
  readonly client_message_id: StoredId | null
  readonly message_seq: number | null
  readonly updated_at: number | null
  readonly is_awaited: number | null
  readonly data: string | null
}

export function decodeEntry(columns: EntryColumns): EntryRow {
  const { author_id, client_message_id, message_seq, updated_at } = columns
  const kind = KINDS[columns.kind]
  if (kind === undefined) throw new Error(`entry kind ${columns.kind} is unknown`)
  return {
    channelKey: columns.channel_key,
    seq: columns.seq,
    id: decodeId(columns.id),
    kind,
    at: columns.at,
    ...(author_id !== null && { authorId: decodeId(author_id) }),
    ...(client_message_id !== null && { clientMessageId: decodeId(client_message_id) }),
    ...(message_seq !== null && { messageSeq: message_seq }),
    ...(updated_at !== null && { updatedAt: updated_at }),
    ...(columns.is_awaited === 1 && { isAwaited: true }),
    data: columns.data,
  }
}

export interface ChannelColumns {
  readonly key: number
  readonly id: string
  readonly server_id: string
  readonly type: ChannelType
  readonly words: string
  readonly created_at: number
  readonly updated_at: number
  readonly created_by: string
  readonly place: number
  readonly dm_key: string | null
  readonly is_live: number
  readonly has_agents: number
  readonly cleared_seq: number
  readonly swept_seq: number
  readonly visibility: Visibility
  readonly owner_id: string | null
  readonly participant_count: number
}

/** The store holds only what `encodeChannel` wrote, so the JSON and the type are what they say. */
export function decodeChannel(columns: ChannelColumns): ChannelRecord {
  const words: ChannelWords = JSON.parse(columns.words)
  return {
    key: columns.key,
    id: columns.id,
    serverId: columns.server_id,
    type: columns.type,
    words,
    createdAt: columns.created_at,
    updatedAt: columns.updated_at,
    createdBy: columns.created_by,
    order: columns.place,
    dmKey: columns.dm_key,
    isLive: columns.is_live === 1,
    hasAgents: columns.has_agents === 1,
    clearedSeq: columns.cleared_seq,
    sweptSeq: columns.swept_seq,
    visibility: columns.visibility,
    ownerId: columns.owner_id,
    participantCount: columns.participant_count,
  }
}

export function encodeChannel(channel: Omit<ChannelRecord, 'key'>): Omit<ChannelColumns, 'key'> {
  return {
    id: channel.id,
    server_id: channel.serverId,
    type: channel.type,
    words: JSON.stringify(channel.words),
    created_at: channel.createdAt,
    updated_at: channel.updatedAt,
    created_by: channel.createdBy,
    place: channel.order,
    dm_key: channel.dmKey,
    is_live: channel.isLive ? 1 : 0,
    has_agents: channel.hasAgents ? 1 : 0,
    cleared_seq: channel.clearedSeq,
    swept_seq: channel.sweptSeq,
    visibility: channel.visibility,
    owner_id: channel.ownerId,
    participant_count: channel.participantCount,
  }
}

export interface StandingColumns {
  readonly type: ChannelType
  readonly visibility: Visibility
  readonly is_participant: number
  readonly is_owner: number
}

export function decodeStanding(columns: StandingColumns): Standing {
  const { type, visibility, is_participant, is_owner } = columns
  return { type, visibility, isParticipant: is_participant === 1, isOwner: is_owner === 1 }
}

export interface ServerColumns {
  readonly server: string
  readonly created_by: string
  readonly removed_by: string | null
  readonly is_live: number
}

export function decodeServer(columns: ServerColumns): ServerRecord {
  const server: MessageServer = JSON.parse(columns.server)
  return {
    server,
    createdBy: columns.created_by,
    removedBy: columns.removed_by,
    isLive: columns.is_live === 1,
  }
}

export interface ParticipantColumns {
  readonly entity_id: string
  readonly is_agent: number
}

export function decodeParticipant(columns: ParticipantColumns): Participant {
  return { entityId: columns.entity_id, isAgent: columns.is_agent === 1 }
}
