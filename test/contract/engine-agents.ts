import { describe, expect, it } from 'vitest'
import type { StoredAgent } from '../../src/log/agents.ts'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import type { Command } from '../../src/log/log.ts'
import type { HttpAgent } from '../../src/protocol/http-agent.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import { apply, channelIn, post, refusal } from './engine-support.ts'

const BOT = 'bot'
const HOOK: HttpAgent = { name: 'Hook', url: 'https://a.example/', secret: 'whsec_x' }

const create = (agentId = BOT, definition = HOOK) =>
  ({ type: 'create-agent', id: newId(), agentId, definition }) as const
const on = (type: 'delete-agent' | 'start-agent' | 'stop-agent', agentId = BOT) =>
  ({ type, id: newId(), agentId }) as const
const update = (changes: Partial<HttpAgent>, agentId = BOT) =>
  ({ type: 'update-agent', id: newId(), agentId, changes }) as const
const open = (isRegistered?: true) =>
  ({
    type: 'open-inbox',
    id: newId(),
    agentId: BOT,
    ...(isRegistered && { isRegistered }),
  }) as const

export function describeAgents({ engine }: Bench): void {
  const apply1 = (command: Command) => apply(engine(), command).outcome
  const listed = (): readonly Omit<StoredAgent, 'revision'>[] =>
    engine()
      .agents()
      .map(({ revision, ...agent }) => {
        expect(revision).not.toBe('')
        return agent
      })
  const room = () => channelIn(engine(), { participants: [{ entityId: BOT, isAgent: true }] })
  const revision = () => engine().agents()[0]?.revision
  const cursor = () => engine().cursors().get(BOT)
  const failures = () => engine().failures(BOT, { limit: 9 })

  /** A message that the agent gives up. */
  const giveUp = (channelId: string, isRegistered?: true): void => {
    const command = post(channelId, 'x')
    apply1(command)
    const place = engine().newestPlace()
    const failure = { messageId: command.message.id, place, attempts: 1, reason: 'no' }
    const settle = { type: 'settle', id: newId(), agentId: BOT, upTo: place } as const
    apply1({ ...settle, failures: [failure], ...(isRegistered && { isRegistered }) })
  }

  describe('an agent that is called over HTTP', () => {
    it('is kept, changed in part, listed by id, and removed', () => {
      expect(listed()).toEqual([])
      apply1(create('b'))
      apply1(create('a', { ...HOOK, bio: 'Knows.' }))
      expect(listed()).toEqual([
        { id: 'a', definition: { ...HOOK, bio: 'Knows.' }, isStopped: false },
        { id: 'b', definition: HOOK, isStopped: false },
      ])
      apply1(update({ url: 'https://b.example/', bio: '' }, 'b'))
      expect(listed()[1]?.definition).toEqual({ ...HOOK, url: 'https://b.example/', bio: '' })
      apply1(on('delete-agent', 'a'))
      apply1(on('delete-agent', 'never'))
      expect(listed().map(({ id }) => id)).toEqual(['b'])
    })

    it('has another revision after every change, and no other', () => {
      const seen = [create(), update({ name: 'B' }), on('stop-agent'), on('start-agent')].map(
        (command) => {
          apply1(command)
          return revision()
        },
      )
      expect(new Set(seen).size).toBe(4)
      apply1(on('start-agent'))
      apply1(open())
      expect(revision()).toBe(seen[3])
    })

    it('is not added twice, and not changed where it is not', () => {
      apply1(create())
      expect(refusal(engine(), create())).toBe('AGENT_EXISTS')
      apply1(on('stop-agent', 'module'))
      expect(refusal(engine(), create('module'))).toBe('AGENT_EXISTS')
      expect(refusal(engine(), update({ name: 'x' }, 'module'))).toBe('AGENT_NOT_FOUND')
      expect(refusal(engine(), update({ name: 'x' }, 'never'))).toBe('AGENT_NOT_FOUND')
    })

    it.each([
      ['an addition', () => [create()]],
      ['a change', () => [create(), update({ name: 'B' })]],
      ['a removal', () => [create(), on('delete-agent')]],
      ['a stop', () => [create(), on('stop-agent')]],
      ['a start', () => [create(), on('stop-agent'), on('start-agent')]],
    ] as const)('comes through %s that is repeated as through one', (_what, script) => {
      const commands: readonly Command[] = script()
      for (const command of commands) apply1(command)
      const before = [engine().agents(), cursor()]
      apply1(post(room(), 'between'))
      apply1(commands.at(-1)!)
      expect([engine().agents(), cursor()]).toEqual(before)
    })

    it('is one of at most 1,000, those of others that are stopped included', () => {
      const { maxAgents } = ENGINE_LIMITS
      apply1(on('stop-agent', 'module'))
      engine().apply(Array.from({ length: maxAgents - 1 }, (_, index) => create(`a${index}`)))
      expect(engine().agents()).toHaveLength(maxAgents)
      expect(refusal(engine(), create('another'))).toBe('TOO_MANY_AGENTS')
      expect(refusal(engine(), on('stop-agent', 'another'))).toBe('TOO_MANY_AGENTS')
      apply1(on('stop-agent', 'a1'))
      apply1(on('start-agent', 'module'))
      apply1(create('another'))
    })

    it('loses its inbox with its definition, and nobody who comes too late makes it again', () => {
      apply1(create())
      const channelId = room()
      expect(apply1(open(true)).place).toBe(0)
      giveUp(channelId, true)
      expect([cursor(), failures().length]).toEqual([1, 1])
      apply1(on('delete-agent'))
      expect([cursor(), failures()]).toEqual([undefined, []])
      giveUp(channelId, true)
      expect(refusal(engine(), open(true))).toBe('AGENT_NOT_FOUND')
      expect([cursor(), failures()]).toEqual([undefined, []])
    })
  })

  describe.each(['a module', 'an agent that is called over HTTP'])('%s', (kind) => {
    it('that is stopped has no cursor, and when it is started one at the newest place', () => {
      if (kind !== 'a module') apply1(create())
      const channelId = room()
      apply1(open())
      giveUp(channelId)
      apply1(on('stop-agent'))
      expect(listed()).toMatchObject([{ id: BOT, isStopped: true }])
      expect(engine().agentsIn(channelId)).toEqual([])
      // Whoever runs it has not heard of it yet.
      expect(refusal(engine(), open())).toBe('AGENT_NOT_FOUND')
      giveUp(channelId)
      expect([cursor(), failures().length]).toEqual([undefined, 1])
      expect(apply1(on('start-agent')).place).toBe(2)
      expect([cursor(), apply1(open()).place]).toEqual([2, 2])
      expect(listed()).toEqual(
        kind === 'a module' ? [] : [{ id: BOT, definition: HOOK, isStopped: false }],
      )
      apply1(post(channelId, 'news'))
      const { items } = engine().inbox({ agentId: BOT, after: 2, limit: 9 })
      expect(items.map(({ message }) => message.body.text)).toEqual(['news'])
      // Neither does anything where it is so already.
      apply1(on('start-agent'))
      expect(cursor()).toBe(2)
    })
  })
}
