import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import type { Participant } from '../../src/protocol/model.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import {
  apply,
  channelDraft,
  channelIn,
  createChannel,
  entriesOf,
  openInbox,
  post,
} from './engine-support.ts'

const human = (entityId: string): Participant => ({ entityId, isAgent: false })
const agent = (entityId: string): Participant => ({ entityId, isAgent: true })

export function describeParticipants({ engine }: Bench): void {
  const serverAgent = (agentId: string, serverId: string = DEFAULT_SERVER_ID) =>
    apply(engine(), { type: 'add-server-agent', id: newId(), serverId, agentId })
  const change = (channelId: string, add: readonly Participant[], remove: readonly string[] = []) =>
    apply(engine(), { type: 'change-participants', id: newId(), channelId, add, remove })
  const update = (channelId: string, participants: readonly string[]) =>
    apply(engine(), { type: 'update-channel', id: newId(), channelId, participants })
  const participantsOf = (channelId: string) => engine().channel(channelId)?.participants

  describe('participants', () => {
    it('keep the order in which they came, and lose their place with a removal', () => {
      const id = channelIn(engine(), { participants: ['a', 'b', 'c'].map(human) })
      change(id, [human('d'), agent('b')], ['a'])
      expect(participantsOf(id)).toEqual([agent('b'), human('c'), human('d')])
      change(id, [human('a')])
      change(id, [], ['d', 'c'])
      change(id, [human('c')])
      expect(participantsOf(id)).toEqual([agent('b'), human('a'), human('c')])
      update(id, ['e', 'c', 'b'])
      expect(participantsOf(id)).toEqual([agent('b'), human('c'), human('e')])
      update(id, [])
      expect(participantsOf(id)).toEqual([])
    })

    it('are those of the channel’s new life only, and of no other channel', () => {
      const id = channelIn(engine(), { participants: [agent('a')] })
      const other = channelIn(engine(), { participants: [human('a')] })
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: id })
      apply(engine(), createChannel({ id, participants: [human('b')] }))
      expect(participantsOf(id)).toEqual([human('b')])
      expect(participantsOf(other)).toEqual([human('a')])
    })

    it('say that an agent takes part until the last one is gone', () => {
      for (const agentId of ['a', 'b']) openInbox(engine(), agentId)
      const id = channelIn(engine(), { participants: [agent('a'), agent('b'), human('c')] })
      const hasAgents = () => apply(engine(), post(id, 'x')).outcome.hasAgents
      change(id, [], ['a'])
      expect(hasAgents()).toBe(true)
      change(id, [], ['b'])
      expect(hasAgents()).toBe(false)
    })
  })

  describe('an agent that is run', () => {
    it('is one where it takes part already, from when it is run for the first time', () => {
      const [id, other] = [[human('a'), human('bot')], [human('a')]].map((participants) =>
        channelIn(engine(), { participants }),
      )
      const dm = channelIn(engine(), { type: 'DM', participants: [human('a'), human('bot')] })
      const hasAgents = (channelId = '') => apply(engine(), post(channelId, 'x')).outcome.hasAgents
      expect([id, other, dm].map(hasAgents)).toEqual([false, false, false])
      openInbox(engine(), 'bot')
      expect([id, other, dm].map(hasAgents)).toEqual([true, false, true])
      expect(participantsOf(id ?? '')).toEqual([human('a'), agent('bot')])
      expect(engine().inbox({ agentId: 'bot', after: 0, limit: 9 }).items).toHaveLength(4)
      const again = { type: 'get-or-create-dm', id: newId() } as const
      const channel = channelDraft({ type: 'DM', participants: [human('bot'), human('a')] })
      expect(apply(engine(), { ...again, channel }).outcome.channel?.id).toBe(dm)
      // Also where it was only ever heard of by what it settles.
      const late = channelIn(engine(), { participants: [human('late')] })
      apply(engine(), { type: 'settle', id: newId(), agentId: 'late', upTo: 1 })
      expect(participantsOf(late)).toEqual([agent('late')])
    })
  })

  describe('an agent of the server', () => {
    it('is one in every channel that is made with it, from the first message on', () => {
      openInbox(engine(), 'bot')
      serverAgent('bot')
      const participants = [human('a'), human('bot')]
      const stored = [human('a'), agent('bot')]
      const creation = createChannel({ participants })
      const { outcome } = apply(engine(), creation)
      expect(outcome.channel?.participants).toEqual(stored)
      const channel = channelDraft({ type: 'DM', participants })
      const dm = apply(engine(), { type: 'get-or-create-dm', id: newId(), channel })
      expect(dm.outcome.channel?.participants).toEqual(stored)
      const draft = channelDraft({ participants })
      const posted = apply(engine(), { ...post(draft.id, 'hi'), create: draft })
      expect(posted.outcome).toMatchObject({ hasAgents: true, channel: { participants: stored } })
      expect(posted.entries).toMatchObject([{ kind: 'posted', seq: 1, hasAgents: true }])
      for (const made of [creation.channel.id, channel.id, draft.id]) {
        expect(participantsOf(made)).toEqual(stored)
      }
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: creation.channel.id })
      expect(apply(engine(), creation).outcome).toEqual({ ...outcome, isDuplicate: true })
    })

    it('is one when it is added, and becomes one when it is added again', () => {
      const id = channelIn(engine(), { participants: [human('early')] })
      for (const name of ['early', 'added', 'set']) serverAgent(name)
      const { entries } = change(id, [human('added'), human('early')])
      const added = [agent('added'), agent('early')]
      expect(entries).toMatchObject([{ kind: 'participants', added }])
      expect(entriesOf(engine(), id)).toEqual(entries)
      update(id, ['early', 'set', 'human'])
      expect(participantsOf(id)).toEqual([agent('early'), agent('set'), human('human')])
      expect(change(id, [human('early')]).outcome.seq).toBeUndefined()
    })

    it('is none in the channels of other servers', () => {
      const server = { id: 's', name: 'S', sourceType: 'test' }
      apply(engine(), { type: 'create-server', id: newId(), server })
      serverAgent('bot', 's')
      const id = channelIn(engine(), { participants: [human('bot')] })
      expect(participantsOf(id)).toEqual([human('bot')])
      const there = channelIn(engine(), { serverId: 's', participants: [human('bot')] })
      expect(participantsOf(there)).toEqual([agent('bot')])
    })
  })
}
