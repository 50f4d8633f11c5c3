import type {
  Channel,
  ChannelDetails,
  Entry,
  Message,
  MessageBody,
  Participant,
} from '../../protocol/model.ts'
import type { ChannelAgent } from '../engine.ts'
import { ENGINE_LIMITS } from './limits.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import type { ReadStore } from './store.ts'

/** Who came and who went with an updated or participants entry, as stored in its `data`. */
export interface ParticipantChanges {
  readonly added: readonly Participant[]
  readonly removed: readonly string[]
}

/** Stored as null. */
export const NO_CHANGES: ParticipantChanges = { added: [], removed: [] }

const EMPTY_BODY: MessageBody = { text: '', source: '' }

export function channelOf(record: ChannelRecord): Channel {
  const { id, serverId, type, words, visibility, ownerId, createdAt, updatedAt } = record
  const owner = ownerId === null ? undefined : { ownerId }
  return { id, serverId, type, ...words, visibility, ...owner, createdAt, updatedAt }
}

export function detailsOf(store: ReadStore, record: ChannelRecord): ChannelDetails {
  return { ...channelOf(record), participants: store.participants(record.key) }
}

/** True once the message was deleted, or its channel cleared or deleted after it. */
export function isErased(channel: ChannelRecord, posting: EntryRow): boolean {
  return posting.data === null || posting.seq <= channel.clearedSeq
}

/** The message of a posting, with an empty body once it was erased. */
export function messageOf(channel: ChannelRecord, posting: EntryRow): Message {
  const { data } = posting
  const body = data === null || isErased(channel, posting) ? EMPTY_BODY : parseBody(data)
  return withBody(channel, posting, body)
}

/** The message of a posting whose body is at hand already. */
export function withBody(channel: ChannelRecord, posting: EntryRow, body: MessageBody): Message {
  const { id, seq, authorId = '', clientMessageId, at, updatedAt = at } = posting
  return {
    id,
    channelId: channel.id,
    serverId: channel.serverId,
    seq,
    authorId,
    ...(clientMessageId !== undefined && { clientMessageId }),
    body,
    createdAt: at,
    updatedAt,
  }
}

/** The agents of a live channel, those who came first. */
export function agentsOf(
  store: ReadStore,
  { key, isLive, hasAgents }: ChannelRecord,
): readonly ChannelAgent[] {
  return isLive && hasAgents ? store.inbox.agentsIn(key, ENGINE_LIMITS.maxAgentsAwaited) : []
}

/** Reads rows of one channel as entries that show the present. What several show is read once. */
export function entriesOf(
  store: ReadStore,
  channel: ChannelRecord,
  rows: readonly EntryRow[],
): readonly Entry[] {
  const present = channel.isLive ? channelOf(channel) : null
  const edited = new Map<number, Message | null>()
  const editedMessage = (row: EntryRow): Message | null => {
    const { messageSeq = 0 } = row
    if (messageSeq <= channel.clearedSeq) return null
    const known = edited.get(messageSeq)
    if (known !== undefined) return known
    const message = presentMessage(channel, postingOf(store, row))
    edited.set(messageSeq, message)
    return message
  }
  return rows.map((row) => entryOf({ store, channel, present, editedMessage }, row))
}

interface EntryContext {
  readonly store: ReadStore
  readonly channel: ChannelRecord
  readonly present: Channel | null
  readonly editedMessage: (row: EntryRow) => Message | null
}

function entryOf(context: EntryContext, row: EntryRow): Entry {
  const { store, channel, present, editedMessage } = context
  const base = { channelId: channel.id, seq: row.seq, at: row.at }
  switch (row.kind) {
    case 'posted': {
      const hasAgents = row.isAwaited === true
      return { ...base, kind: row.kind, message: presentMessage(channel, row), hasAgents }
    }
    case 'edited':
      return { ...base, kind: row.kind, message: editedMessage(row) }
    case 'deleted': {
      const posting = postingOf(store, row)
      return { ...base, kind: row.kind, messageId: posting.id, messageSeq: posting.seq }
    }
    case 'updated':
    case 'participants':
      return { ...base, kind: row.kind, ...parseChanges(row.data), channel: present }
    case 'cleared':
    case 'removed':
      return { ...base, kind: row.kind }
  }
}

function presentMessage(channel: ChannelRecord, posting: EntryRow): Message | null {
  return isErased(channel, posting) ? null : messageOf(channel, posting)
}

/** The posting that an edit or a deletion is about. */
export function postingOf(store: ReadStore, row: EntryRow): EntryRow {
  const posting = store.entry(row.channelKey, row.messageSeq ?? 0)
  if (posting === undefined) throw new Error(`entry ${row.id} refers to a missing posting`)
  return posting
}

/** The store holds only what `JSON.stringify` made of these types. */
export function parseBody(data: string): MessageBody {
  const body: MessageBody = JSON.parse(data)
  return body
}

function parseChanges(data: string | null): ParticipantChanges {
  if (data === null) return NO_CHANGES
  const changes: ParticipantChanges = JSON.parse(data)
  return changes
}
