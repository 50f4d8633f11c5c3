import { ChannelError } from '../../protocol/errors.ts'
import type { Entry, EntryKind } from '../../protocol/model.ts'
import type { Guard, Outcome } from '../log.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import type { WriteStore } from './store.ts'

/** What the rules of one batch work on. */
export interface ApplyContext {
  readonly store: WriteStore
  /** Epoch ms of the batch. */
  readonly nowMs: number
  /** Of one channel. */
  readonly maxParticipants: number
  /** Whether nobody runs the agent. */
  readonly isAway: (agentId: string) => boolean
}

/** What a command did. */
export interface Effect {
  readonly outcome: Outcome
  readonly entries: readonly Entry[]
  /** See `Applied`. */
  readonly agents?: readonly string[]
  readonly place?: number
}

/** An effect without entries. */
export function quiet(outcome: Outcome): Effect {
  return { outcome, entries: [] }
}

/** The place of a channel's next entry: the next number, and a time that never goes back. */
export function nextPlace(
  { store, nowMs }: ApplyContext,
  channel: ChannelRecord,
): Pick<EntryRow, 'channelKey' | 'seq' | 'at'> {
  const tail = store.tail(channel.key)
  return { channelKey: channel.key, seq: tail.seq + 1, at: Math.max(nowMs, tail.at) }
}

/** @throws CHANNEL_NOT_FOUND when the channel never existed, is deleted, or the guard hides it. */
export function requireChannel(
  context: ApplyContext,
  { channelId, visibleTo }: Guard & { readonly channelId: string },
): ChannelRecord {
  const channel = context.store.channel(channelId)
  if (channel?.isLive === true && isVisible(context, channel, visibleTo)) return channel
  throw new ChannelError('CHANNEL_NOT_FOUND')
}

/**
 * Whether there is such a channel for whom a guard names; without a guard there is. A public one, which the
 * writer has at hand, costs nothing; a private one a look-up of 1–3 µs.
 */
export function isVisible(
  { store }: ApplyContext,
  { key, isLive, visibility }: ChannelRecord,
  visibleTo: string | undefined,
): boolean {
  if (visibleTo === undefined) return true
  if (!isLive) return false
  return visibility === 'public' || store.participant(key, visibleTo) !== undefined
}

/** The channel of a row that refers to it. */
export function requireChannelByKey({ store }: ApplyContext, channelKey: number): ChannelRecord {
  const channel = store.channelByKey(channelKey)
  if (channel === undefined) throw new Error(`channel key ${channelKey} is unknown`)
  return channel
}

/** @throws SERVER_NOT_FOUND when the server never existed or is deleted. */
export function requireServer({ store }: ApplyContext, serverId: string): void {
  if (store.server(serverId)?.isLive !== true) throw new ChannelError('SERVER_NOT_FOUND')
}

/**
 * The entry that an earlier attempt of the same command made: a writer that died before it
 * answered gets its commands again.
 *
 * @throws MESSAGE_ID_TAKEN when the id belongs to something else.
 */
export function earlierAttempt(
  { store }: ApplyContext,
  commandId: string,
  kind: EntryKind,
): EntryRow | undefined {
  const row = store.entryById(commandId)
  if (row !== undefined && row.kind !== kind) throw new ChannelError('MESSAGE_ID_TAKEN')
  return row
}
