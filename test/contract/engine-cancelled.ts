import { beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import { cancelStream } from './engine-stream-support.ts'
import { apply, channelIn, post, refusal } from './engine-support.ts'

const agent = (entityId: string) => ({ entityId, isAgent: true })

export function describeCancelled({ engine }: Bench): void {
  let channelId: string
  beforeEach(() => {
    channelId = channelIn(engine(), { participants: ['ear', 'eye', 'far'].map(agent) })
    for (const agentId of ['ear', 'eye'])
      apply(engine(), { type: 'open-inbox', id: newId(), agentId })
  })

  const said = (text: string, authorId = 'author') => {
    const command = post(channelId, text, { authorId })
    apply(engine(), command)
    return { messageId: command.message.id, place: engine().newestPlace() }
  }
  const cancel = (messageId: string) => engine().apply([cancelStream(channelId, messageId)])[0]
  const settle = (upTo: number, parts = {}) =>
    apply(engine(), { type: 'settle', id: newId(), agentId: 'ear', upTo, ...parts })
  const inbox = (agentId: string) =>
    engine()
      .inbox({ agentId, after: 0, limit: 9 })
      .items.map(({ message, isCancelled = false }) => `${message.body.text} ${isCancelled}`)

  const listed = () =>
    engine()
      .failures('ear', { limit: 9 })
      .map(({ messageId }) => messageId)

  describe('a message that somebody wants nothing of', () => {
    it('is shown so to every agent that is not through with it, but its author, as often as it is said', () => {
      const first = said('first')
      const { messageId, place } = said('second', 'eye')
      said('third')
      settle(first.place)
      for (let times = 0; times < 2; times += 1) {
        expect(cancel(messageId)).toEqual({
          outcome: { stream: { messageId, state: 'complete' } },
          entries: [],
          agents: ['ear'],
          place,
        })
        expect(cancel(first.messageId)).toMatchObject({ agents: ['eye'], place: first.place })
      }
      expect(inbox('ear')).toEqual(['first false', 'second true', 'third false'])
      expect(inbox('eye')).toEqual(['first true', 'third false'])
      const isCancelled = ['ear', 'eye', 'far'].map((id) => engine().isCancelled(id, place))
      expect(isCancelled).toEqual([true, false, false])
    })

    it('is not kept for an agent that nobody runs, whose cursor may never come to it', () => {
      const { messageId, place } = said('first')
      engine().awayAgents.add('ear')
      expect(cancel(messageId)).toMatchObject({ agents: ['eye'], place })
      engine().awayAgents.add('eye')
      expect(cancel(messageId)).not.toHaveProperty('agents')
      engine().awayAgents.clear()
      expect(engine().isCancelled('ear', place)).toBe(false)
      expect(engine().isCancelled('eye', place)).toBe(true)
    })

    it('is forgotten when the cursor is past it, and then waits for nobody', () => {
      const [one, two] = [said('one'), said('two')]
      for (const { messageId } of [one, two]) cancel(messageId)
      settle(one.place)
      expect(inbox('ear')).toEqual(['one false', 'two true'])
      expect(engine().isCancelled('ear', one.place)).toBe(false)
      settle(two.place)
      expect(inbox('ear')).toEqual(['one false', 'two false'])
      apply(engine(), { type: 'settle', id: newId(), agentId: 'eye', upTo: two.place })
      expect(cancel(two.messageId)).not.toHaveProperty('agents')
    })

    it('is no failure, and one that was given up already stays one', () => {
      const [one, two] = [said('one'), said('two')]
      cancel(one.messageId)
      expect(listed()).toEqual([])
      for (const type of ['retry-failure', 'discard-failure'] as const) {
        const on = { type, id: newId(), agentId: 'ear', messageId: one.messageId }
        expect(refusal(engine(), on)).toBe('FAILURE_NOT_FOUND')
      }
      const report = { ...two, attempts: 3, reason: 'it threw' }
      settle(0, { failures: [report] })
      cancel(two.messageId)
      expect([listed(), inbox('ear')]).toEqual([[two.messageId], ['one true', 'two false']])
      // Whoever had begun it gave it up before it heard that nobody wants it.
      settle(0, { failures: [{ ...report, ...one }] })
      expect([listed(), inbox('ear')]).toEqual([
        [two.messageId, one.messageId],
        ['one false', 'two false'],
      ])
    })

    it('goes with its content', () => {
      const [one, two] = [said('one'), said('two')]
      for (const { messageId } of [one, two]) cancel(messageId)
      apply(engine(), { type: 'delete', id: newId(), messageId: one.messageId })
      expect(inbox('ear')).toEqual(['two true'])
      apply(engine(), { type: 'clear', id: newId(), channelId })
      while (engine().sweep());
      expect([inbox('ear'), engine().isCancelled('ear', two.place)]).toEqual([[], false])
      expect(cancel(two.messageId)).toEqual({ outcome: {}, entries: [] })
    })
  })
}
