import { beforeEach, describe, expect, it } from 'vitest'
import type { MessageDraft } from '../../src/log/log.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import { apply, channelIn, post } from './engine-support.ts'

const agent = (entityId: string) => ({ entityId, isAgent: true })
const answering = (hops: number) => ({ body: { text: 'x', source: 'test', hops } })

export function describeSpokenTurns({ engine }: Bench): void {
  let channelId: string
  beforeEach(() => {
    channelId = channelIn(engine(), { participants: ['ear', 'bot', 'tool'].map(agent) })
  })

  /** Says something; answers its id, and the turns that the log counts. */
  const say = (authorId: string, draft: Partial<MessageDraft> = {}) => {
    const command = post(channelId, 'x', { authorId, ...draft })
    const { outcome, entries } = apply(engine(), command)
    expect(entries).toMatchObject([{ message: outcome.message }])
    return { id: command.message.id, hops: outcome.message?.body.hops }
  }
  const counted = (...authors: readonly string[]) => authors.map((author) => say(author).hops)
  const erase = (messageId: string) => apply(engine(), { type: 'delete', id: newId(), messageId })

  describe('turns of agents', () => {
    it('are counted from the last word of a person on, whoever speaks how often', () => {
      expect(counted('ann', 'bot', 'bot', 'tool', 'bot', 'ann', 'tool', 'ann')).toEqual([
        undefined,
        1,
        2,
        3,
        4,
        undefined,
        1,
        undefined,
      ])
      expect(counted('bot')).toEqual([1])
    })

    it('are those of whoever says that it is an agent, too, also where no agent takes part', () => {
      expect(say('somebody', { isOfAgent: true }).hops).toBe(1)
      expect(counted('bot')).toEqual([2])
      channelId = channelIn(engine())
      expect(say('somebody', { isOfAgent: true }).hops).toBe(1)
      expect(say('somebody', { isOfAgent: true }).hops).toBe(2)
    })

    it('are one of whoever answers a person, and all agents may', () => {
      say('ann')
      const answers = ['ear', 'bot', 'tool'].map((author) => say(author, answering(1)).hops)
      expect(answers).toEqual([1, 1, 1])
    })

    it('are not fewer than all agents have said, of whoever answers an agent, however many do', () => {
      say('ann')
      say('ear', answering(1))
      expect([say('bot', answering(2)).hops, say('tool', answering(2)).hops]).toEqual([2, 3])
      expect([say('ear', answering(3)).hops, say('ear', answering(9)).hops]).toEqual([4, 9])
      expect(counted('tool', 'bot')).toEqual([10, 11])
      say('ann')
      expect(say('ear', answering(2)).hops).toBe(2)
    })

    it('are counted where what was said is erased, of the author’s own, and a person’s still ends them', () => {
      const person = say('ann')
      const erased = [say('bot'), say('bot'), say('bot')]
      for (const { id } of [person, ...erased]) erase(id)
      expect(counted('bot')).toEqual([4])
      const last = say('bot')
      erase(last.id)
      expect(counted('bot')).toEqual([6])
      expect(counted('ann', 'bot')).toEqual([undefined, 1])
    })

    it('are shown to agents with the message, and are the same when it is sent again', () => {
      apply(engine(), { type: 'open-inbox', id: newId(), agentId: 'ear' })
      const first = post(channelId, 'one', { authorId: 'bot', clientMessageId: 'one' })
      const again = { ...post(channelId, 'one', { authorId: 'bot', clientMessageId: 'one' }) }
      for (const command of [first, again, first]) {
        expect(apply(engine(), command).outcome.message?.body.hops).toBe(1)
      }
      say('bot')
      const { items } = engine().inbox({ agentId: 'ear', after: 0, limit: 9 })
      expect(items.map(({ hops }) => hops)).toEqual([1, 2])
    })
  })
}
