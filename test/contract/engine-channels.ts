import { describe, expect, it } from 'vitest'
import { newId } from '../../src/util/new-id.ts'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import type { Bench } from './engine.contract.ts'
import {
  apply,
  channelDraft,
  channelIn,
  createChannel,
  entriesOf,
  post,
  refusal,
  textsOf,
  withoutParticipants,
} from './engine-support.ts'

const human = (entityId: string) => ({ entityId, isAgent: false })
const agent = (entityId: string) => ({ entityId, isAgent: true })

const dm = (a: string, b: string) =>
  ({
    type: 'get-or-create-dm',
    id: newId(),
    channel: channelDraft({ type: 'DM', participants: [human(a), human(b)] }),
  }) as const

export function describeChannels({ engine, clock }: Bench): void {
  describe('channels', () => {
    it('creates one without an entry, and answers a resubmission alike', () => {
      const participants = [agent('b'), human('a'), human('b')]
      const command = createChannel({ topic: 't', metadata: { k: 1 }, participants })
      const { outcome, entries } = apply(engine(), command)
      const times = { createdAt: clock.nowMs, updatedAt: clock.nowMs }
      const stored = { visibility: 'public', participants: [agent('b'), human('a')] }
      const channel = { ...command.channel, ...times, ...stored }
      expect(outcome).toEqual({ isCreated: true, channel })
      expect(entries).toEqual([])
      expect(engine().channel(channel.id)).toEqual(channel)
      expect(engine().head(channel.id)).toBe(0)
      expect(apply(engine(), command).outcome).toEqual({ ...outcome, isDuplicate: true })
      expect(refusal(engine(), { ...command, id: newId() })).toBe('CHANNEL_EXISTS')
      expect(refusal(engine(), createChannel({ serverId: 'none' }))).toBe('SERVER_NOT_FOUND')
    })

    it('does not make a channel again that was deleted after the creation being resubmitted', () => {
      const command = createChannel({ participants: [human('a')] })
      const { outcome } = apply(engine(), command)
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: command.channel.id })
      expect(apply(engine(), command).outcome).toEqual({ ...outcome, isDuplicate: true })
      expect(engine().channel(command.channel.id)).toBeUndefined()
    })

    it('changes nothing, and numbers nothing, when an update names nothing', () => {
      const id = channelIn(engine(), { topic: 't', participants: [human('a')] })
      const before = engine().channel(id)
      clock.nowMs += 7
      const command = { type: 'update-channel', id: newId(), channelId: id } as const
      expect(apply(engine(), command)).toEqual({ outcome: { channel: before }, entries: [] })
      expect(engine().head(id)).toBe(0)
      expect(engine().channel(id)).toEqual(before)
      const nowhere = { ...command, id: newId(), channelId: 'nowhere' }
      expect(refusal(engine(), nowhere)).toBe('CHANNEL_NOT_FOUND')
    })

    it('updates what is named; participants who stay keep their place and what they are', () => {
      const id = channelIn(engine(), { participants: [agent('a'), human('b'), human('c')] })
      clock.nowMs += 7
      const participants = ['d', 'c', 'a', 'd']
      const command = { type: 'update-channel', id: newId(), channelId: id, name: 'N' } as const
      const { outcome, entries } = apply(engine(), { ...command, participants })
      const channel = engine().channel(id)
      expect(channel).toMatchObject({ name: 'N', updatedAt: clock.nowMs })
      expect(channel?.participants).toEqual([agent('a'), human('c'), human('d')])
      expect(outcome).toEqual({ seq: 1, channel })
      const place = { channelId: id, seq: 1, at: clock.nowMs }
      const moved = { added: [human('d')], removed: ['b'] }
      expect(entries).toEqual([
        { kind: 'updated', ...place, ...moved, channel: withoutParticipants(channel) },
      ])
      expect(entriesOf(engine(), id)).toEqual(entries)
      expect(apply(engine(), command).outcome).toEqual({ ...outcome, isDuplicate: true })
      expect(refusal(engine(), { ...command, id: newId(), channelId: 'x' })).toBe(
        'CHANNEL_NOT_FOUND',
      )
    })

    it('changes participants atomically and only where something changes', () => {
      const id = channelIn(engine(), { participants: [human('a'), human('b')] })
      const change = (add: readonly ReturnType<typeof human>[], remove: readonly string[] = []) =>
        ({ type: 'change-participants', id: newId(), channelId: id, add, remove }) as const
      expect(apply(engine(), change([human('a')])).outcome).toEqual({})
      expect(refusal(engine(), change([human('x')], ['ghost']))).toBe('PARTICIPANT_NOT_FOUND')
      const command = change([agent('a'), human('c'), human('a')], ['b', 'b'])
      const { outcome, entries } = apply(engine(), command)
      const channel = engine().channel(id)
      expect(channel?.participants).toEqual([agent('a'), human('c')])
      const added = [agent('a'), human('c')]
      expect(entries[0]).toMatchObject({
        kind: 'participants',
        seq: 1,
        added,
        removed: ['b'],
        channel: withoutParticipants(channel),
      })
      expect(entriesOf(engine(), id)).toEqual(entries)
      expect(apply(engine(), command).outcome).toEqual({ ...outcome, isDuplicate: true })
      expect(apply(engine(), change([human('a')], ['a'])).outcome.seq).toBeUndefined()
    })

    it('clears all messages for every reader at once and keeps the numbers', () => {
      const id = channelIn(engine())
      const first = post(id, 'secret')
      engine().apply([first, post(id, 'secret')])
      const command = { type: 'clear', id: newId(), channelId: id } as const
      expect(apply(engine(), command).outcome).toEqual({ seq: 3 })
      expect(apply(engine(), command).outcome).toEqual({ seq: 3, isDuplicate: true })
      expect(textsOf(engine(), id)).toEqual([])
      expect(engine().message(first.message.id)).toBeUndefined()
      expect(entriesOf(engine(), id)).toMatchObject([
        { kind: 'posted', message: null },
        { kind: 'posted', message: null },
        { kind: 'cleared' },
      ])
      const messageId = first.message.id
      expect(apply(engine(), { type: 'delete', id: newId(), messageId }).outcome).toEqual({})
      const edit = { type: 'edit', id: newId(), messageId, changes: { text: 'x' } } as const
      expect(refusal(engine(), edit)).toBe('MESSAGE_NOT_FOUND')
      expect(apply(engine(), post(id, 'after')).outcome.seq).toBe(4)
      expect(textsOf(engine(), id)).toEqual(['after'])
      expect(refusal(engine(), { ...command, id: newId(), channelId: 'x' })).toBe(
        'CHANNEL_NOT_FOUND',
      )
    })

    it('erases a large channel in slices and reports when it is done', () => {
      const id = channelIn(engine())
      const total = 3 * ENGINE_LIMITS.sweepRows + 10
      engine().apply(Array.from({ length: total }, (_, index) => post(id, `${index}`)))
      expect(engine().sweep()).toBe(false)
      apply(engine(), { type: 'clear', id: newId(), channelId: id })
      apply(engine(), post(id, 'kept'))
      expect(textsOf(engine(), id)).toEqual(['kept'])
      expect([engine().sweep(), engine().sweep(), engine().sweep()]).toEqual([true, false, false])
      expect(textsOf(engine(), id)).toEqual(['kept'])
    })

    it('deletes a channel, and goes on counting when it is created again', () => {
      const id = channelIn(engine(), { participants: [agent('a')] })
      apply(engine(), post(id, 'secret'))
      const command = { type: 'delete-channel', id: newId(), channelId: id } as const
      const { entries } = apply(engine(), command)
      expect(entries).toEqual([{ kind: 'removed', channelId: id, seq: 2, at: clock.nowMs }])
      expect(apply(engine(), command).outcome).toEqual({ seq: 2, isDuplicate: true })
      expect(apply(engine(), { ...command, id: newId() })).toEqual({ outcome: {}, entries: [] })
      expect(engine().channel(id)).toBeUndefined()
      expect(engine().channels()).toEqual([])
      expect(refusal(engine(), post(id, 'x'))).toBe('CHANNEL_NOT_FOUND')
      expect(engine().head(id)).toBe(2)
      const draft = channelDraft({ id, name: 'again', participants: [human('b')] })
      const { outcome } = apply(engine(), { ...post(id, 'new'), create: draft })
      expect(outcome).toMatchObject({ seq: 3, isCreated: true, hasAgents: false })
      expect(engine().channel(id)).toMatchObject({ name: 'again', participants: [human('b')] })
      expect(textsOf(engine(), id)).toEqual(['new'])
      expect(entriesOf(engine(), id).map(({ kind }) => kind)).toEqual([
        'posted',
        'removed',
        'posted',
      ])
      expect(apply(engine(), command).outcome).toEqual({ seq: 2, isDuplicate: true })
      expect(textsOf(engine(), id)).toEqual(['new'])
    })
  })

  describe('DM channels', () => {
    it('makes one for a pair, in whichever order it is named', () => {
      const command = dm('a', 'b')
      const { outcome } = apply(engine(), command)
      expect(outcome).toMatchObject({ isCreated: true, channel: { id: command.channel.id } })
      const found = apply(engine(), dm('b', 'a')).outcome
      expect(found).toEqual({ channel: outcome.channel })
      expect(apply(engine(), command).outcome).toEqual({ ...outcome, isDuplicate: true })
      expect(apply(engine(), dm('a', 'c')).outcome.isCreated).toBe(true)
      expect(engine().channels()).toHaveLength(2)
    })

    it('makes a new one after a deletion, and after the pair changed', () => {
      const first = apply(engine(), dm('a', 'b')).outcome.channel!.id
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: first })
      const second = apply(engine(), dm('a', 'b')).outcome
      expect(second.isCreated).toBe(true)
      const channelId = second.channel!.id
      const add = [human('c')]
      apply(engine(), { type: 'change-participants', id: newId(), channelId, add, remove: ['b'] })
      expect(apply(engine(), dm('c', 'a')).outcome.channel?.id).toBe(channelId)
      expect(apply(engine(), dm('a', 'b')).outcome.isCreated).toBe(true)
    })

    it('finds a DM that came into being by a message, and lets a second one be', () => {
      const { channel } = dm('a', 'b')
      apply(engine(), { ...post(channel.id, 'hi'), create: channel })
      apply(engine(), createChannel({ type: 'DM', participants: channel.participants }))
      expect(apply(engine(), dm('a', 'b')).outcome.channel?.id).toBe(channel.id)
    })

    it('refuses what is no pair, a used id and a missing server', () => {
      const command = dm('a', 'b')
      expect(refusal(engine(), dm('a', 'a'))).toBe('INVALID_PAYLOAD')
      const taken = { ...command.channel, id: channelIn(engine()) }
      expect(refusal(engine(), { ...command, channel: taken })).toBe('CHANNEL_EXISTS')
      const nowhere = { ...command.channel, serverId: 'none' }
      expect(refusal(engine(), { ...command, channel: nowhere })).toBe('SERVER_NOT_FOUND')
    })
  })
}
