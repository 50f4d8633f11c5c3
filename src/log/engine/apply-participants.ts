import { ChannelError } from '../../protocol/errors.ts'
import type { Command } from '../log.ts'
import { saveChanges } from './apply-channel.ts'
import { asStored, membershipOf, requireRoom, requireSettled } from './channels.ts'
import { earlierAttempt, nextPlace, quiet, requireChannel } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import type { ChannelRecord, EntryRow } from './records.ts'
import type { WriteStore } from './store.ts'
import { channelOf } from './views.ts'
import type { ParticipantChanges } from './views.ts'

type ChangeParticipants = Extract<Command, { type: 'change-participants' }>

/** @throws CHANNEL_NOT_FOUND; PARTICIPANT_NOT_FOUND when one to remove does not take part; TOO_MANY_PARTICIPANTS; ACCESS_DENIED. */
export function applyChangeParticipants(
  context: ApplyContext,
  command: ChangeParticipants,
): Effect {
  const { store } = context
  const earlier = earlierAttempt(context, command.id, 'participants')
  if (earlier !== undefined) return quiet({ seq: earlier.seq, isDuplicate: true })
  const channel = requireChannel(context, command)
  const changes = effective(store, channel, command)
  const newcomers = changes.added.filter(
    ({ entityId }) => store.participant(channel.key, entityId) === undefined,
  ).length
  const participantCount = channel.participantCount + newcomers - changes.removed.length
  requireSettled(channel, { added: newcomers, removed: changes.removed }, command)
  requireRoom(context, { added: newcomers, total: participantCount })
  if (changes.added.length === 0 && changes.removed.length === 0) {
    return quiet({})
  }
  const row: EntryRow = {
    ...nextPlace(context, channel),
    id: command.id,
    kind: 'participants',
    data: JSON.stringify(changes),
  }
  store.insertEntry(row)
  saveChanges(store, channel.key, changes)
  const saved = { ...channel, ...membershipOf(store, channel), participantCount, updatedAt: row.at }
  store.saveChannel(saved)
  const { seq, at } = row
  const base = { channelId: channel.id, seq, at }
  return {
    outcome: { seq },
    entries: [{ kind: 'participants', ...base, ...changes, channel: channelOf(saved) }],
  }
}

/**
 * What really changes. Who is both added and removed must take part, and stays. It looks at those who
 * are named and at nobody else, so a change costs the same in a channel of any size.
 */
function effective(
  store: WriteStore,
  { key, serverId }: ChannelRecord,
  { add, remove }: ChangeParticipants,
): ParticipantChanges {
  const takesPart = (entityId: string): boolean => store.participant(key, entityId) !== undefined
  if (!remove.every(takesPart)) throw new ChannelError('PARTICIPANT_NOT_FOUND')
  const wanted = asStored(store, serverId, add)
  const added = wanted.filter(({ entityId, isAgent }) => {
    const participant = store.participant(key, entityId)
    return participant === undefined || (isAgent && !participant.isAgent)
  })
  const staying = new Set(wanted.map(({ entityId }) => entityId))
  const removed = [...new Set(remove)].filter((entityId) => !staying.has(entityId))
  return { added, removed }
}
