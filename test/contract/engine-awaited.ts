import { describe, expect, it } from 'vitest'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import type { Participant } from '../../src/protocol/model.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import { apply, channelIn, entriesOf, openInbox, post } from './engine-support.ts'

const agent = (entityId: string): Participant => ({ entityId, isAgent: true })

export function describeAwaited({ engine }: Bench): void {
  const on = (type: 'stop-agent' | 'start-agent' | 'delete-agent', agentId: string) =>
    apply(engine(), { type, id: newId(), agentId })
  const change = (channelId: string, add: readonly Participant[], remove: readonly string[] = []) =>
    apply(engine(), { type: 'change-participants', id: newId(), channelId, add, remove })
  const settle = (agentId: string, upTo = engine().newestPlace()) =>
    apply(engine(), { type: 'settle', id: newId(), agentId, upTo })
  const room = (...agents: readonly string[]) =>
    channelIn(engine(), { participants: agents.map(agent) })
  /** Says something, and answers for whom it waits as it is applied. */
  const say = (channelId: string, authorId = 'ann') => {
    const command = post(channelId, 'x', { authorId })
    const [applied] = engine().apply([command])
    const { id: messageId } = command.message
    const place = engine().newestPlace()
    const agents = applied !== undefined && 'agents' in applied ? applied.agents : undefined
    return { messageId, place, agents, command }
  }

  describe('a message waits for the agents', () => {
    it('that this server runs, and for no others, and says so whenever it is read', () => {
      openInbox(engine(), 'own')
      apply(engine(), { type: 'create-agent', id: newId(), agentId: 'hook', definition: HOOK })
      openInbox(engine(), 'hook')
      const [both, external] = [room('external', 'own', 'hook', 'own'), room('external')]
      const [awaited, unawaited] = [say(both), say(external)]
      expect([awaited.agents, unawaited.agents]).toEqual([['own', 'hook'], undefined])
      expect(
        engine()
          .agentsIn(both)
          .map(({ agentId }) => agentId),
      ).toEqual(['own', 'hook'])

      // An agent that was deleted, or is stopped, is like one that was never here.
      on('delete-agent', 'hook')
      expect(say(both).agents).toEqual(['own'])
      on('stop-agent', 'own')
      expect([say(both).agents, engine().agentsIn(both)]).toEqual([undefined, []])
      on('start-agent', 'own')
      expect(say(both).agents).toEqual(['own'])
      expect(say(both, 'own').agents).toBeUndefined()

      const told = [true, true, false, true, false]
      const postings = entriesOf(engine(), both)
      expect(postings.map((entry) => entry.kind === 'posted' && entry.hasAgents)).toEqual(told)
      expect(entriesOf(engine(), external)).toMatchObject([{ hasAgents: false }])
      expect(apply(engine(), awaited.command).outcome).toMatchObject({ hasAgents: true })
      expect(apply(engine(), unawaited.command).outcome).toMatchObject({ hasAgents: false })
    })

    it('as it was posted, whatever becomes of them, of the channel or of its text', () => {
      openInbox(engine(), 'own')
      const id = room('own', 'late')
      const { messageId } = say(id)
      openInbox(engine(), 'late')
      engine().awayAgents.add('own')
      engine().awayAgents.add('late')
      const unawaited = say(id).messageId
      engine().awayAgents.clear()
      change(id, [], ['own'])
      apply(engine(), { type: 'edit', id: newId(), messageId, changes: { text: 'edited' } })
      apply(engine(), { type: 'delete', id: newId(), messageId })
      expect(entriesOf(engine(), id).slice(0, 2)).toMatchObject([
        { kind: 'posted', message: null, hasAgents: true },
        { kind: 'posted', hasAgents: false },
      ])
      expect([messageId, unawaited, newId()].map((one) => engine().isAwaited(one))).toEqual([
        true,
        false,
        false,
      ])
    })

    it('that have not come to it and took part before it, by what is stored', () => {
      for (const agentId of ['one', 'two', 'late']) openInbox(engine(), agentId)
      const id = room('one', 'two', 'author')
      openInbox(engine(), 'author')
      const first = say(id, 'author')
      const second = say(id)
      change(id, [agent('late')])
      const entry = engine().newestPlace()
      const third = say(id)
      expect([first, second, third].map(({ place }) => engine().awaitedBy(place))).toEqual([
        ['one', 'two'],
        ['one', 'two', 'author'],
        ['one', 'two', 'author', 'late'],
      ])
      expect([entry, 0, 99].map((place) => engine().awaitedBy(place))).toEqual([
        undefined,
        undefined,
        undefined,
      ])
      settle('one', second.place)
      change(id, [], ['two'])
      change(id, [agent('two')])
      expect([first, second, third].map(({ place }) => engine().awaitedBy(place))).toEqual([
        [],
        ['author'],
        ['one', 'author', 'late'],
      ])
      expect(engine().awaited()).toEqual(
        [first, second, third].map(({ messageId, place }) => ({
          messageId,
          channelId: id,
          serverId: engine().channel(id)?.serverId,
          place,
          seq: engine().message(messageId)?.seq ?? expect.any(Number),
          agents: engine().awaitedBy(place),
        })),
      )
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: id })
      expect(engine().awaited()).toMatchObject([{ agents: [] }, { agents: [] }, { agents: [] }])
      expect(engine().awaitedBy(third.place)).toEqual([])
    })

    it('but not for those that were passed over up to a place, or for as long as it is not said again', () => {
      for (const agentId of ['one', 'two']) openInbox(engine(), agentId)
      const id = room('one', 'two')
      const [first, second] = [say(id), say(id)]
      const pass = (upTo?: number) => {
        const agentIds = ['stranger', 'one']
        const command = { type: 'pass-over', id: newId(), agentIds } as const
        apply(engine(), { ...command, ...(upTo !== undefined && { upTo }) })
        const awaited = engine().awaited()
        expect(awaited.map(({ agents }) => agents)).toEqual(
          awaited.map(({ place }) => engine().awaitedBy(place)),
        )
        return awaited.map(({ agents }) => agents.join(' '))
      }
      expect(pass()).toEqual(['two', 'two'])
      // Its place in the inbox is as it was, however often it settles.
      settle('one', first.place)
      expect(pass()).toEqual(['two', 'two'])
      expect(pass(first.place)).toEqual(['two', 'one two'])
      expect(engine().inbox({ agentId: 'one', after: 0, limit: 9 }).items).toHaveLength(2)
      expect(pass(second.place)).toEqual(['two', 'two'])
      // It ends with the inbox.
      pass()
      for (const type of ['stop-agent', 'start-agent'] as const) {
        apply(engine(), { type, id: newId(), agentId: 'one' })
      }
      const third = say(id)
      expect(engine().awaitedBy(third.place)).toEqual(['one', 'two'])
      expect(engine().cursors().has('stranger')).toBe(false)
    })

    it('by what is stored of the newest places, so that a new writer begins soon', () => {
      openInbox(engine(), 'own')
      const [id, other] = [room('own'), room()]
      const [old, young] = [say(id), say(id)]
      const rest = ENGINE_LIMITS.inboxPlaces - 1
      engine().apply(Array.from({ length: rest }, () => post(other, '')))
      expect(
        engine()
          .awaited()
          .map(({ place }) => place),
      ).toEqual([young.place])
      expect(engine().awaitedBy(old.place)).toEqual(['own'])
    })
  })
}

const HOOK = { name: 'Hook', url: 'https://a.example/', secret: 'whsec_x' }
