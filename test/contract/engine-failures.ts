import { beforeEach, describe, expect, it } from 'vitest'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import type { FailureReport } from '../../src/log/inbox.ts'
import type { Command } from '../../src/log/log.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import { apply, channelIn, post, refusal } from './engine-support.ts'

const BOT = 'bot'
const ALL = { agentId: BOT, after: 0, limit: 10_000 } as const

type Settle = Extract<Command, { type: 'settle' }>

const settling = (parts: Partial<Settle>): Settle => ({
  type: 'settle',
  id: newId(),
  agentId: BOT,
  upTo: 0,
  ...parts,
})

const on = (type: 'retry-failure' | 'discard-failure', { messageId }: FailureReport) =>
  ({ type, id: newId(), agentId: BOT, messageId }) as const

export function describeFailures(bench: Bench): void {
  describe('what an agent gave up', () => describeList(bench))
}

function describeList({ engine, clock }: Bench): void {
  let channelId: string
  beforeEach(() => {
    channelId = channelIn(engine(), { participants: [{ entityId: BOT, isAgent: true }] })
  })

  /** A message that the agent gave up, and what it reports of it. */
  const failed = (reason = 'it threw'): FailureReport => {
    const command = post(channelId, 'x')
    apply(engine(), command)
    return { messageId: command.message.id, place: engine().newestPlace(), attempts: 3, reason }
  }
  const report = (...failures: readonly FailureReport[]) => {
    const command = settling({ failures })
    apply(engine(), command)
    return command
  }
  const listed = (agentId = BOT) =>
    engine()
      .failures(agentId, { limit: 20_000 })
      .map(({ place }) => place)
  const retried = () =>
    engine()
      .retries(ALL)
      .items.map(({ place }) => place)

  describe('the failures of an agent', () => {
    it('are listed with what was reported, newest messages first, page by page', () => {
      const [a, b, c] = [failed('one'), failed('two'), failed('three')]
      clock.nowMs += 5
      report(a, b, c)
      const [first] = engine().failures(BOT, { limit: 1 })
      expect(first).toEqual({ ...c, channelId, failedAt: clock.nowMs, isRetrying: false })
      const rest = engine().failures(BOT, { limit: 2, before: c.place })
      expect(rest.map(({ reason }) => reason)).toEqual(['two', 'one'])
      expect(listed('other')).toEqual([])
      report({ ...b, attempts: 6, reason: 'again' })
      expect(engine().failures(BOT, { limit: 9 })).toMatchObject([
        { reason: 'three' },
        { reason: 'again', attempts: 6 },
        { reason: 'one' },
      ])
    })

    it('keep so much of a reason, and never half a character', () => {
      const { maxReasonChars } = ENGINE_LIMITS
      report(failed('x'.repeat(maxReasonChars + 1)), failed(`${'x'.repeat(maxReasonChars - 1)}😀`))
      const reasons = engine().failures(BOT, { limit: 9 })
      expect(reasons.map(({ reason }) => reason)).toEqual([
        'x'.repeat(maxReasonChars - 1),
        'x'.repeat(maxReasonChars),
      ])
    })

    it('are not kept where there is no such message, and the cursor moves all the same', () => {
      const [a, b] = [failed(), failed()]
      const gone = failed()
      apply(engine(), { type: 'delete', id: newId(), messageId: gone.messageId })
      const wrong = [{ ...a, place: b.place }, { ...a, place: 99 }, { ...a, messageId: 'm' }, gone]
      const { outcome } = apply(engine(), settling({ upTo: 2, failures: wrong }))
      expect([outcome.place, listed()]).toEqual([2, []])
    })

    it('are refused where there are too many at once, and then nothing happens', () => {
      const failure = failed()
      const many = Array.from({ length: ENGINE_LIMITS.maxFailuresPerSettle + 1 }, () => failure)
      expect(refusal(engine(), settling({ upTo: 1, failures: many }))).toBe('INVALID_PAYLOAD')
      const open = { type: 'open-inbox', id: newId(), agentId: BOT } as const
      expect([listed(), apply(engine(), open).outcome.place]).toEqual([[], 1])
    })

    it('lose those of the oldest messages where there are too many in all, and the answer says so', () => {
      const { maxFailures, maxFailuresPerSettle: step } = ENGINE_LIMITS
      const extra = [failed(), failed(), failed()]
      const posts = Array.from({ length: maxFailures }, () => post(channelId, 'x'))
      engine().apply(posts)
      const failures = posts.map(({ message }, index) => ({
        messageId: message.id,
        place: index + 1 + extra.length,
        attempts: 1,
        reason: 'r',
      }))
      report(...extra)
      apply(engine(), on('discard-failure', extra[0]!))
      const dropped: (number | undefined)[] = []
      for (let from = 0; from < maxFailures; from += step) {
        const command = settling({ failures: failures.slice(from, from + step) })
        dropped.push(apply(engine(), command).outcome.failuresDropped)
      }
      expect(dropped).toEqual([...Array<undefined>(maxFailures / step - 1).fill(undefined), 2])
      expect(listed()).toEqual(failures.map(({ place }) => place).toReversed())
    })

    it('go with their messages, for whoever asks', () => {
      const [a, b] = [failed(), failed()]
      report(a, b)
      apply(engine(), on('retry-failure', b))
      apply(engine(), { type: 'delete', id: newId(), messageId: a.messageId })
      expect([listed(), refusal(engine(), on('retry-failure', a))]).toEqual([
        [b.place],
        'FAILURE_NOT_FOUND',
      ])
      apply(engine(), { type: 'clear', id: newId(), channelId })
      expect([listed(), retried()]).toEqual([[], []])
      for (const type of ['retry-failure', 'discard-failure'] as const) {
        expect(refusal(engine(), on(type, b))).toBe('FAILURE_NOT_FOUND')
      }
      const c = failed()
      report(c)
      apply(engine(), { type: 'delete-channel', id: newId(), channelId })
      expect([listed(), refusal(engine(), on('retry-failure', c))]).toEqual([
        [],
        'FAILURE_NOT_FOUND',
      ])
    })
  })

  describe('a retried failure', () => {
    it('is handed out, as often as somebody asks, until it is reported again or resolved', () => {
      const [a, b, c] = [failed(), failed(), failed()]
      report(a, b, c)
      expect(retried()).toEqual([])
      for (const failure of [c, a]) apply(engine(), on('retry-failure', failure))
      expect([retried(), retried()]).toEqual([
        [a.place, c.place],
        [a.place, c.place],
      ])
      expect(
        engine()
          .failures(BOT, { limit: 9 })
          .map(({ isRetrying }) => isRetrying),
      ).toEqual([true, false, true])
      const page = engine().retries({ ...ALL, limit: 1 })
      expect(page).toMatchObject({ upTo: a.place, hasMore: true })
      expect(page.items).toEqual(engine().inbox({ ...ALL, limit: 1 }).items)
      expect(engine().retries({ ...ALL, after: page.upTo }).items).toMatchObject([
        { place: c.place },
      ])
      report({ ...c, attempts: 6 })
      apply(engine(), settling({ resolved: [a.place] }))
      expect([retried(), listed()]).toEqual([[], [c.place, b.place]])
    })

    it('waits while the agent takes no part in its channel', () => {
      const failure = failed()
      report(failure)
      apply(engine(), on('retry-failure', failure))
      const base = { type: 'change-participants', channelId } as const
      apply(engine(), { ...base, id: newId(), add: [], remove: [BOT] })
      expect([retried(), listed()]).toEqual([[], [failure.place]])
      const add = [{ entityId: BOT, isAgent: true }]
      apply(engine(), { ...base, id: newId(), add, remove: [] })
      expect(retried()).toEqual([failure.place])
    })
  })

  describe('a repeated command', () => {
    it('does not bring back what somebody did to its failure meanwhile', () => {
      const [a, b] = [failed(), failed()]
      const settled = report(a, b)
      apply(engine(), on('retry-failure', a))
      apply(engine(), on('discard-failure', b))
      apply(engine(), settled)
      expect([retried(), listed()]).toEqual([[a.place], [a.place]])
      expect(apply(engine(), settled).outcome).toEqual({ place: 0, isDuplicate: true })
    })

    it('answers alike where it retries or discards, and another one finds nothing to discard', () => {
      const failure = failed()
      report(failure)
      for (const type of ['retry-failure', 'discard-failure'] as const) {
        const command = on(type, failure)
        const { place } = failure
        expect(apply(engine(), command).outcome).toEqual({ place })
        expect(apply(engine(), command).outcome).toEqual({ place, isDuplicate: true })
      }
      expect(refusal(engine(), on('discard-failure', failure))).toBe('FAILURE_NOT_FOUND')
      expect(refusal(engine(), on('retry-failure', failure))).toBe('FAILURE_NOT_FOUND')
    })

    it('of a discard is known for a minute, and the message may fail anew', () => {
      const [a, b] = [failed(), failed()]
      report(a, b)
      const discard = on('discard-failure', a)
      apply(engine(), discard)
      clock.nowMs += ENGINE_LIMITS.discardMemoryMs
      apply(engine(), on('discard-failure', b))
      expect(apply(engine(), discard).outcome.isDuplicate).toBe(true)
      report(b)
      clock.nowMs += 1
      apply(engine(), on('discard-failure', b))
      expect(refusal(engine(), discard)).toBe('FAILURE_NOT_FOUND')
      report(a)
      expect(listed()).toEqual([a.place])
    })
  })
}
