import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Applied, LogEngine } from '../../src/log/engine.ts'
import type { Command } from '../../src/log/log.ts'
import type { ChannelDetails } from '../../src/protocol/model.ts'
import { commands, isGuarded, NAMES } from './engine-commands.ts'
import type { GuardedCommand } from './engine-commands.ts'
import type { OpenEngine } from './engine.contract.ts'

const MAX_PARTICIPANTS = 2

/** The channels as anyone may read them. */
type Channels = ReadonlyMap<string, ChannelDetails>

function channelsOf(engine: LogEngine): Channels {
  const found = NAMES.channels.flatMap((id) => engine.channel(id) ?? [])
  return new Map(found.map((channel) => [channel.id, channel]))
}

function shows(channel: ChannelDetails | undefined, entityId: string): boolean {
  if (channel === undefined) return false
  if (channel.visibility === 'public') return true
  return channel.participants.some((participant) => participant.entityId === entityId)
}

/** The channel that the command is about; a message's, where it has one that was not erased. */
function channelIdOf(engine: LogEngine, command: GuardedCommand): string | undefined {
  if (command.type === 'post') return command.message.channelId
  if (command.type !== 'edit' && command.type !== 'delete') return command.channelId
  return engine.message(command.messageId)?.channelId
}

/** What a guard is to do, from what can be read before; undefined where that does not tell. */
function isHidden(engine: LogEngine, before: Channels, command: Command): boolean | undefined {
  if (!isGuarded(command) || command.visibleTo === undefined) return undefined
  const channelId = channelIdOf(engine, command)
  // Of an erased message nobody can read where it was.
  if (channelId === undefined) return undefined
  return !shows(before.get(channelId), command.visibleTo)
}

/** A post in the name of another, by who takes no part. */
function isForged(before: Channels, command: Command): boolean {
  if (command.type !== 'post') return false
  const { visibleTo, message } = command
  const participants = before.get(message.channelId)?.participants ?? []
  return (
    visibleTo !== message.authorId && !participants.some(({ entityId }) => entityId === visibleTo)
  )
}

function checkStandings(engine: LogEngine, channels: Channels): void {
  for (const entityId of NAMES.entities) {
    for (const id of NAMES.channels) {
      const channel = channels.get(id)
      const isParticipant = channel?.participants.some((one) => one.entityId === entityId)
      const standing = channel && {
        type: channel.type,
        visibility: channel.visibility,
        isParticipant,
        isOwner: channel.ownerId === entityId,
      }
      expect(engine.standing(id, entityId)).toEqual(standing)
    }
    for (const serverId of [undefined, ...NAMES.servers]) {
      const all = engine.channels(serverId)
      const seen = all.filter(({ id }) => shows(channels.get(id), entityId))
      expect(engine.channels(serverId, entityId)).toEqual(seen)
    }
  }
}

/** One's own very attempt is answered in a hidden channel too; of an erased one nobody can read that it is there. */
function mayBeOwnAttempt(command: Command, tried: ReadonlySet<string>): boolean {
  if (command.type !== 'post') return false
  const { id, authorId } = command.message
  return authorId === command.visibleTo && tried.has(id)
}

function refusalIn(applied: Applied | undefined): string | undefined {
  return applied !== undefined && 'error' in applied ? applied.error.code : undefined
}

/** Applies one command and holds what it did against what could be read before and after. */
function check(engine: LogEngine, command: Command, tried: Set<string>): void {
  const before = channelsOf(engine)
  const hidden = mayBeOwnAttempt(command, tried) ? undefined : isHidden(engine, before, command)
  if (command.type === 'post') tried.add(command.message.id)
  const [applied] = engine.apply([command])
  const code = refusalIn(applied)
  const after = channelsOf(engine)
  const isOnMessage = command.type === 'edit' || command.type === 'delete'
  if (hidden === true) expect(code).toBe(isOnMessage ? 'MESSAGE_NOT_FOUND' : 'CHANNEL_NOT_FOUND')
  if (hidden === false && isForged(before, command)) expect(code).toBe('ACCESS_DENIED')
  if (hidden === false && !isOnMessage) expect(code).not.toBe('CHANNEL_NOT_FOUND')
  if (code !== undefined) expect(after).toEqual(before)
  for (const { participants } of after.values()) {
    expect(participants.length).toBeLessThanOrEqual(MAX_PARTICIPANTS)
  }
  checkStandings(engine, after)
}

export function describeGuardProperties(open: OpenEngine): void {
  it('hides, shows and counts as what can be read of the channels says, for any commands', () => {
    const property = fc.property(fc.array(commands, { minLength: 10, maxLength: 40 }), (run) => {
      let nowMs = 1_000
      const { engine, dispose } = open(() => (nowMs += 1), MAX_PARTICIPANTS)
      try {
        const tried = new Set<string>()
        for (const [index, command] of run.entries()) {
          check(engine, { ...command, id: `${index}` }, tried)
        }
      } finally {
        dispose()
      }
    })
    fc.assert(property, { numRuns: 60 })
  })
}
