import { ChannelError } from '../../protocol/errors.ts'
import type { Participant } from '../../protocol/model.ts'
import type { Command } from '../log.ts'
import { repeatedChange } from './apply-channel.ts'
import { distinct, freeDmKey, haveAgents } from './channels.ts'
import { earlierAttempt, nextPlace, quiet, requireChannel } from './context.ts'
import type { ApplyContext, Effect } from './context.ts'
import type { EntryRow } from './records.ts'
import { detailsOf } from './views.ts'
import type { ParticipantChanges } from './views.ts'

type ChangeParticipants = Extract<Command, { type: 'change-participants' }>

/** @throws CHANNEL_NOT_FOUND; PARTICIPANT_NOT_FOUND when one to remove does not take part. */
export function applyChangeParticipants(
  context: ApplyContext,
  command: ChangeParticipants,
): Effect {
  const { store } = context
  const earlier = earlierAttempt(context, command.id, 'participants')
  if (earlier !== undefined) return repeatedChange(context, command.channelId, earlier)
  const channel = requireChannel(context, command.channelId)
  const current = store.participants(channel.key)
  const changes = effective(current, command)
  if (changes.added.length === 0 && changes.removed.length === 0) {
    return quiet({ channel: detailsOf(store, channel) })
  }
  const participants = changed(current, changes)
  const row: EntryRow = {
    ...nextPlace(context, channel),
    id: command.id,
    kind: 'participants',
    data: JSON.stringify(changes),
  }
  const dmKey = freeDmKey(store, channel, participants)
  const hasAgents = haveAgents(participants)
  const saved = { ...channel, dmKey, hasAgents, updatedAt: row.at }
  store.saveChannel(saved)
  store.saveParticipants(channel.key, participants)
  store.insertEntry(row)
  const details = detailsOf(store, saved)
  const { seq, at } = row
  return {
    outcome: { seq, channel: details },
    entries: [
      { kind: 'participants', channelId: channel.id, seq, at, ...changes, channel: details },
    ],
  }
}

/** What really changes. Who is both added and removed must take part, and stays. */
function effective(
  current: readonly Participant[],
  { add, remove }: ChangeParticipants,
): ParticipantChanges {
  const known = new Map(current.map((participant) => [participant.entityId, participant]))
  if (!remove.every((entityId) => known.has(entityId))) {
    throw new ChannelError('PARTICIPANT_NOT_FOUND')
  }
  const wanted = distinct(add)
  const added = wanted.filter(({ entityId, isAgent }) => {
    const participant = known.get(entityId)
    return participant === undefined || (isAgent && !participant.isAgent)
  })
  const staying = new Set(wanted.map(({ entityId }) => entityId))
  const removed = [...new Set(remove)].filter((entityId) => !staying.has(entityId))
  return { added, removed }
}

function changed(
  current: readonly Participant[],
  { added, removed }: ParticipantChanges,
): readonly Participant[] {
  const gone = new Set(removed)
  return distinct([...current.filter(({ entityId }) => !gone.has(entityId)), ...added])
}
