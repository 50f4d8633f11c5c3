import { ChannelError } from '../../protocol/errors.ts'
import type { MessageBody } from '../../protocol/model.ts'
import type { Command } from '../log.ts'
import { earlierAttempt, isVisible, nextPlace, quiet } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import type { ReadStore } from './store.ts'
import { isErased, messageOf, parseBody, postingOf, withBody } from './views.ts'

type Edit = Extract<Command, { type: 'edit' }>
type Delete = Extract<Command, { type: 'delete' }>

interface Found {
  readonly channel: ChannelRecord
  readonly posting: EntryRow
}

/** @throws MESSAGE_NOT_FOUND; ACCESS_DENIED when `authorId` is given and is not the author. */
export function applyEdit(context: ApplyContext, command: Edit): Effect {
  const { store } = context
  const earlier = earlierAttempt(context, command.id, 'edited')
  if (earlier !== undefined) return repeatedEdit(context, command, earlier)
  const { channel, posting } = findPosting(context, command)
  if (posting.data === null || isErased(channel, posting)) {
    throw new ChannelError('MESSAGE_NOT_FOUND')
  }
  if (command.authorId !== undefined && command.authorId !== posting.authorId) {
    throw new ChannelError('ACCESS_DENIED')
  }
  const body = merge(parseBody(posting.data), command.changes)
  const row = refer(context, command.id, { kind: 'edited', posting, channel })
  store.saveBody(posting, JSON.stringify(body), row.at)
  store.insertEntry(row)
  const message = withBody(channel, { ...posting, updatedAt: row.at }, body)
  const entry = {
    kind: 'edited',
    channelId: channel.id,
    seq: row.seq,
    at: row.at,
    message,
  } as const
  return { outcome: { seq: row.seq, message }, entries: [entry] }
}

/** The answer of an edit that was applied before, which shows the message as it is now. */
function repeatedEdit(context: ApplyContext, { visibleTo }: Edit, earlier: EntryRow): Effect {
  const channel = channelOfRow(context.store, earlier)
  if (!isVisible(context, channel, visibleTo)) throw new ChannelError('MESSAGE_NOT_FOUND')
  const message = messageOf(channel, postingOf(context.store, earlier))
  return quiet({ seq: earlier.seq, message, isDuplicate: true })
}

/** @throws MESSAGE_NOT_FOUND when it never existed, not in the named channel, or hidden. */
export function applyDelete(context: ApplyContext, command: Delete): Effect {
  const { store } = context
  const earlier = earlierAttempt(context, command.id, 'deleted')
  if (earlier !== undefined) return quiet({ seq: earlier.seq, isDuplicate: true })
  const { channel, posting } = findPosting(context, command)
  if (isErased(channel, posting)) return quiet({})
  const row = refer(context, command.id, { kind: 'deleted', posting, channel })
  store.saveBody(posting, null, row.at)
  const { channelKey, seq } = posting
  store.inbox.eraseFailures({ channelKey, after: seq - 1, upTo: seq })
  store.insertEntry(row)
  const entry = {
    kind: 'deleted',
    channelId: channel.id,
    seq: row.seq,
    at: row.at,
    messageId: posting.id,
    messageSeq: posting.seq,
  } as const
  return { outcome: { seq: row.seq }, entries: [entry] }
}

/** @throws MESSAGE_NOT_FOUND, also where the guard hides its channel. */
function findPosting(context: ApplyContext, command: Edit | Delete): Found {
  const { store } = context
  const { messageId, channelId, visibleTo } = command
  const posting = store.entryById(messageId)
  if (posting?.kind !== 'posted') throw new ChannelError('MESSAGE_NOT_FOUND')
  const channel = channelOfRow(store, posting)
  const isElsewhere = channelId !== undefined && channelId !== channel.id
  if (isElsewhere || !isVisible(context, channel, visibleTo)) {
    throw new ChannelError('MESSAGE_NOT_FOUND')
  }
  return { channel, posting }
}

function channelOfRow(store: ReadStore, row: EntryRow): ChannelRecord {
  const channel = store.channelByKey(row.channelKey)
  if (channel === undefined) throw new Error(`entry ${row.id} belongs to no channel`)
  return channel
}

function refer(
  context: ApplyContext,
  id: string,
  { kind, posting, channel }: Found & { readonly kind: 'edited' | 'deleted' },
): EntryRow {
  const place = nextPlace(context, channel)
  return { ...place, id, kind, messageSeq: posting.seq, data: null }
}

/** A part that is present but undefined is not named. */
function merge(body: MessageBody, changes: Partial<MessageBody>): MessageBody {
  const named = Object.entries(changes).filter(([, value]) => value !== undefined)
  return { ...body, ...Object.fromEntries(named) }
}
