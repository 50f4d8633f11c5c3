import { describe, expect, it } from 'vitest'
import { newId } from '../../src/util/new-id.ts'
import type { MessageQuery } from '../../src/log/log.ts'
import type { Bench } from './engine.contract.ts'
import { apply, channelIn, createChannel, post, withoutParticipants } from './engine-support.ts'

type Query = Partial<MessageQuery> & { readonly channelId: string }

/** Messages 1–9 at 10, 20, … ms, but 4–6 all at 40; 3 is deleted by entry 10. */
function fill({ engine, clock }: Bench): string {
  const id = channelIn(engine())
  const start = clock.nowMs
  const third = newId()
  for (let index = 1; index <= 9; index += 1) {
    clock.nowMs = start + (index >= 4 && index <= 6 ? 40 : index * 10)
    apply(engine(), post(id, `${index}`, index === 3 ? { id: third } : {}))
  }
  apply(engine(), { type: 'delete', id: newId(), messageId: third })
  return id
}

export function describeReads(bench: Bench): void {
  const { engine, clock } = bench
  const page = (query: Query): string =>
    engine()
      .messages({ limit: 100, ...query })
      .messages.map(({ body }) => body.text)
      .join('')

  describe('reading', () => {
    it('pages messages by number, newest first, with exclusive bounds', () => {
      const channelId = fill(bench)
      expect(page({ channelId })).toBe('98765421')
      expect(page({ channelId, limit: 0 })).toBe('')
      expect(page({ channelId, limit: 3 })).toBe('987')
      expect(page({ channelId, beforeSeq: 5 })).toBe('421')
      expect(page({ channelId, beforeSeq: 1 })).toBe('')
      expect(page({ channelId, beforeSeq: 999 })).toBe('98765421')
      expect(page({ channelId, afterSeq: 7 })).toBe('98')
      expect(page({ channelId, afterSeq: 1, limit: 2 })).toBe('98')
      expect(page({ channelId, afterSeq: 10 })).toBe('')
      expect(page({ channelId, afterSeq: -5, beforeSeq: 2.5 })).toBe('21')
      expect(page({ channelId, afterSeq: 2, beforeSeq: 6 })).toBe('54')
      expect(page({ channelId, afterSeq: 5, beforeSeq: 5 })).toBe('')
      expect(page({ channelId: 'nowhere' })).toBe('')
    })

    it('pages messages by time, with exclusive bounds and equal times on one side together', () => {
      const start = clock.nowMs
      const channelId = fill(bench)
      expect(page({ channelId, beforeMs: start + 40 })).toBe('21')
      expect(page({ channelId, beforeMs: start + 41 })).toBe('65421')
      expect(page({ channelId, afterMs: start + 40 })).toBe('987')
      expect(page({ channelId, afterMs: start + 39 })).toBe('987654')
      expect(page({ channelId, afterMs: start + 39.5 })).toBe('987654')
      expect(page({ channelId, afterMs: start + 90 })).toBe('')
      expect(page({ channelId, beforeMs: start })).toBe('')
      expect(page({ channelId, afterMs: 0, beforeMs: start * 2 })).toBe('98765421')
      expect(page({ channelId, afterMs: start + 10, beforeMs: start + 80, afterSeq: 4 })).toBe(
        '765',
      )
    })

    it('says whether a page leaves older messages out, and counts no erased ones', () => {
      const channelId = fill(bench)
      const hasMore = (query: Partial<MessageQuery>) =>
        engine().messages({ channelId, limit: 100, ...query }).hasMore
      expect(hasMore({})).toBe(false)
      expect(hasMore({ limit: 8 })).toBe(false)
      expect(hasMore({ limit: 7 })).toBe(true)
      expect(hasMore({ limit: 0 })).toBe(true)
      expect(hasMore({ limit: 0, beforeSeq: 1 })).toBe(false)
      expect(hasMore({ limit: 1, beforeSeq: 3 })).toBe(true)
      expect(hasMore({ limit: 1, beforeSeq: 2 })).toBe(false)
      expect(hasMore({ limit: 2, afterSeq: 7 })).toBe(false)
      expect(hasMore({ limit: 1, afterSeq: 7 })).toBe(true)
      expect(hasMore({ limit: 1, beforeSeq: 5, afterSeq: 2 })).toBe(false)
      expect(hasMore({ maxBytes: 0 })).toBe(true)
      expect(hasMore({ maxBytes: 0, beforeSeq: 2 })).toBe(false)
      expect(hasMore({ channelId: 'nowhere' })).toBe(false)
      apply(engine(), { type: 'clear', id: newId(), channelId })
      apply(engine(), post(channelId, 'after'))
      expect(hasMore({ limit: 1 })).toBe(false)
    })

    it('reads entries of a range, ascending and bounded', () => {
      const channelId = fill(bench)
      const seqs = (after: number, upTo: number, limit = 100) =>
        engine()
          .entries({ channelId, after, upTo, limit })
          .map(({ seq }) => seq)
      expect(seqs(0, 3)).toEqual([1, 2, 3])
      expect(seqs(8, 999)).toEqual([9, 10])
      expect(seqs(2, 9, 2)).toEqual([3, 4])
      expect(seqs(10, 10)).toEqual([])
      expect(seqs(5, 4)).toEqual([])
      expect(seqs(-3, 1)).toEqual([1])
      expect(seqs(0, 5, 0)).toEqual([])
      expect(engine().entries({ channelId: 'x', after: 0, upTo: 9, limit: 9 })).toEqual([])
    })

    it('shows the channel as it is now in entries about it, and null once it is gone', () => {
      const channelId = channelIn(engine())
      const update = (name: string) =>
        apply(engine(), { type: 'update-channel', id: newId(), channelId, name })
      update('one')
      update('two')
      const range = { channelId, after: 0, upTo: 1, limit: 1 }
      const now = withoutParticipants(engine().channel(channelId))
      expect(engine().entries(range)).toMatchObject([{ kind: 'updated', channel: now }])
      apply(engine(), { type: 'delete-channel', id: newId(), channelId })
      expect(engine().entries(range)).toMatchObject([{ kind: 'updated', channel: null }])
    })

    it('lists channels in order of creation; one that was made again comes last', () => {
      const ids = [channelIn(engine()), channelIn(engine()), channelIn(engine())]
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: ids[0]! })
      clock.nowMs -= 1_000
      apply(engine(), createChannel({ id: ids[0]! }))
      const [a, b, c] = ids
      expect(
        engine()
          .channels()
          .map(({ id }) => id),
      ).toEqual([b, c, a])
      expect(engine().channels('none')).toEqual([])
    })

    it('keeps what it was given, whatever the caller does to it afterwards', () => {
      const metadata = { list: [1] }
      const command = createChannel({ metadata })
      apply(engine(), command)
      metadata.list.push(2)
      expect(engine().channel(command.channel.id)?.metadata).toEqual({ list: [1] })
    })
  })
}
