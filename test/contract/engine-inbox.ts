import { describe, expect, it } from 'vitest'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import type { InboxPage, InboxQuery } from '../../src/log/inbox.ts'
import type { Participant } from '../../src/protocol/model.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import { apply, channelIn, post, refusal } from './engine-support.ts'

const BOT = 'bot'
const ALL = { agentId: BOT, after: 0, limit: 1_000 } as const
const person = (entityId: string): Participant => ({ entityId, isAgent: false })
const agent = (entityId: string): Participant => ({ entityId, isAgent: true })
const update = (channelId: string, participants: readonly string[]) =>
  ({ type: 'update-channel', id: newId(), channelId, participants }) as const
const texts = (page: InboxPage) => page.items.map(({ message }) => message.body.text)

export function describeInbox({ engine }: Bench): void {
  const open = (agentId = BOT) =>
    apply(engine(), { type: 'open-inbox', id: newId(), agentId }).outcome.place
  const settle = (upTo: number, agentId = BOT) =>
    apply(engine(), { type: 'settle', id: newId(), agentId, upTo }).outcome.place
  const say = (channelId: string, text: string, authorId = 'ann') => {
    const command = post(channelId, text, { authorId })
    apply(engine(), command)
    return command.message.id
  }
  const room = (...participants: readonly Participant[]) => channelIn(engine(), { participants })
  const change = (channelId: string, add: readonly Participant[], remove: readonly string[] = []) =>
    apply(engine(), { type: 'change-participants', id: newId(), channelId, add, remove })
  const inbox = (query: Partial<InboxQuery> = {}) => engine().inbox({ ...ALL, ...query })

  describe('the cursor of an agent', () => {
    it('begins at the newest place, because nobody answers history, and stays where it is', () => {
      expect([open(), engine().newestPlace()]).toEqual([0, 0])
      const id = room(agent(BOT))
      for (const text of ['a', 'b']) say(id, text)
      expect([open(), open('other'), engine().newestPlace()]).toEqual([0, 2, 2])
      expect(settle(1)).toBe(1)
      expect([open(), open('other')]).toEqual([1, 2])
    })

    it('moves on, never back, never past the newest place, and also where it was not opened', () => {
      const id = room(agent(BOT))
      for (const text of ['a', 'b', 'c']) say(id, text)
      expect([settle(2), settle(1), settle(99), settle(0)]).toEqual([2, 2, 3, 3])
      say(id, 'd')
      expect([open(), settle(-1, 'other'), open('other')]).toEqual([3, 0, 0])
    })

    it('comes through a repeated settle as through one', () => {
      const id = room(agent(BOT))
      for (const text of ['a', 'b', 'c']) say(id, text)
      const command = { type: 'settle', id: newId(), agentId: BOT, upTo: 2 } as const
      const [first, second] = engine().apply([command, command])
      expect(first).toEqual({ outcome: { place: 2 }, entries: [] })
      expect(second).toEqual({ outcome: { place: 2, isDuplicate: true }, entries: [] })
    })
  })

  describe('the inbox of an agent', () => {
    it('holds what others say where it takes part now, in the order of commits', () => {
      const [one, two, elsewhere] = [room(agent(BOT)), room(person(BOT)), room(agent('other'))]
      say(one, '1')
      say(elsewhere, 'unheard')
      say(two, '2')
      say(one, 'its own', BOT)
      say(one, '3', 'other')
      const page = inbox()
      expect(texts(page)).toEqual(['1', '2', '3'])
      expect(page).toMatchObject({ upTo: 5, hasMore: false })
      expect(page.items.map(({ place }) => place)).toEqual([1, 3, 5])
      expect(page.items.map(({ message }) => engine().message(message.id))).toEqual(
        page.items.map(({ message }) => message),
      )
      change(one, [], [BOT])
      expect(texts(inbox())).toEqual(['2'])
    })

    it('holds nothing that was said before the agent last began to take part', () => {
      const [joined, left] = [room(agent('other')), room(agent(BOT), person('ann'))]
      say(joined, 'before')
      say(left, 'heard')
      // What is changed about it is no other beginning.
      change(left, [agent(BOT)])
      change(joined, [person(BOT)])
      say(joined, 'since')
      change(joined, [agent(BOT)])
      expect(texts(inbox())).toEqual(['heard', 'since'])
      change(left, [], [BOT])
      say(left, 'without it')
      apply(engine(), update(left, ['ann', BOT]))
      say(left, 'with it again')
      expect(texts(inbox())).toEqual(['since', 'with it again'])
      // Named and removed in one it takes part all the time.
      change(left, [agent(BOT)], [BOT])
      expect(texts(inbox())).toEqual(['since', 'with it again'])
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: joined })
      channelIn(engine(), { id: joined, participants: [agent(BOT)] })
      say(joined, 'in another life')
      expect(texts(inbox())).toEqual(['with it again', 'in another life'])
    })

    it('says where it was said, whether by an agent, and how many turns after a human', () => {
      const id = room(agent(BOT), person('ann'), agent('other'))
      say(id, 'by ann')
      const body = { text: 'by other', source: 's', hops: 3 }
      apply(engine(), post(id, '', { authorId: 'other', body }))
      const channel = { id, serverId: engine().channel(id)?.serverId, type: 'GROUP' }
      const shown = { channel: { ...channel, name: 'A channel' } }
      expect(inbox().items).toEqual([
        { ...shown, place: 1, message: expect.anything(), hops: 0, isFromAgent: false },
        { ...shown, place: 2, message: expect.anything(), hops: 3, isFromAgent: true },
      ])
      const messageId = inbox().items[1]?.message.id ?? ''
      apply(engine(), { type: 'edit', id: newId(), messageId, changes: { text: 'edited' } })
      expect(inbox().items[1]).toMatchObject({ hops: 3, message: { body: { text: 'edited' } } })
    })

    it('shows nothing that was deleted or cleared, nor of a channel that is gone, made again or not', () => {
      const [kept, cleared, gone] = [room(agent(BOT)), room(agent(BOT)), room(agent(BOT))]
      const ids = [kept, cleared, gone].map((id) => say(id, `in ${id}`))
      say(kept, 'stays')
      apply(engine(), { type: 'delete', id: newId(), messageId: ids[0] ?? '' })
      apply(engine(), { type: 'clear', id: newId(), channelId: cleared })
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: gone })
      expect(inbox()).toMatchObject({ upTo: 7, hasMore: false })
      expect(texts(inbox())).toEqual(['stays'])
      channelIn(engine(), { id: gone, participants: [agent(BOT)] })
      say(cleared, 'after the clearing')
      say(gone, 'in another life')
      expect(texts(inbox())).toEqual(['stays', 'after the clearing', 'in another life'])
    })

    it('shows nothing that was cleared before it is swept, too', () => {
      const id = room(agent(BOT))
      engine().apply(Array.from({ length: ENGINE_LIMITS.sweepRows + 3 }, () => post(id, 'gone')))
      const { place, message } = inbox({ after: ENGINE_LIMITS.sweepRows }).items[0]!
      const failures = [{ messageId: message.id, place, attempts: 1, reason: '' }]
      const base = { id: newId(), agentId: BOT } as const
      apply(engine(), { type: 'settle', ...base, upTo: 0, failures })
      apply(engine(), { type: 'retry-failure', ...base, messageId: message.id })
      expect(engine().retries(ALL).items).toHaveLength(1)
      const clear = { type: 'clear', id: newId(), channelId: id } as const
      // Reported in the same batch: the sweep has not been there.
      engine().apply([clear, { type: 'settle', ...base, id: newId(), upTo: 0, failures }])
      expect([inbox().items, engine().retries(ALL).items]).toEqual([[], []])
      expect(engine().failures(BOT, { limit: 9 })).toEqual([])
      const again = { type: 'retry-failure', id: newId(), agentId: BOT } as const
      expect(refusal(engine(), { ...again, messageId: message.id })).toBe('FAILURE_NOT_FOUND')
      while (engine().sweep()) expect(engine().failures(BOT, { limit: 9 })).toEqual([])
      apply(engine(), { type: 'settle', ...base, id: newId(), upTo: 0, failures })
      expect(engine().failures(BOT, { limit: 9 })).toEqual([])
    })

    it('comes in pages of messages and of bytes, one of them in any case, that join without a hole', () => {
      const [id, other] = [room(agent(BOT)), room()]
      for (const text of ['a', 'b', 'c', 'd', 'e']) {
        say(id, text)
        say(other, 'unheard')
      }
      const bytes = Buffer.byteLength(JSON.stringify({ text: 'a', source: 'test' }))
      for (const bound of [{ limit: 2 }, { maxBytes: 2 * bytes }]) {
        expect(texts(inbox(bound))).toEqual(['a', 'b'])
        expect(inbox(bound)).toMatchObject({ upTo: 3, hasMore: true })
        expect(texts(inbox({ ...bound, after: 3 }))).toEqual(['c', 'd'])
        expect(texts(inbox({ ...bound, after: 7 }))).toEqual(['e'])
        expect(inbox({ ...bound, after: 7 })).toMatchObject({ upTo: 10, hasMore: false })
      }
      expect(inbox({ maxBytes: 0, after: 1 })).toMatchObject({ upTo: 3, hasMore: true })
      expect(inbox({ limit: 5 })).toMatchObject({ upTo: 10, hasMore: false })
    })

    it('looks at so many places at once, and says how far it came where nothing was for the agent', () => {
      const { inboxPlaces } = ENGINE_LIMITS
      const [loud, quiet] = [room(), room(agent(BOT))]
      engine().apply(Array.from({ length: inboxPlaces }, () => post(loud, 'unheard')))
      say(quiet, 'heard')
      expect(inbox()).toEqual({ items: [], upTo: inboxPlaces, hasMore: true })
      expect(texts(inbox({ after: inboxPlaces }))).toEqual(['heard'])
      expect(inbox({ after: inboxPlaces })).toMatchObject({ hasMore: false })
    })

    it('leads a reader that is ahead of the log back to it, where the next message is', () => {
      const id = room(agent(BOT))
      say(id, 'before')
      const { upTo } = inbox({ after: 9_000 })
      expect([upTo, inbox({ after: 9_000 }).items]).toEqual([1, []])
      say(id, 'after')
      expect(texts(inbox({ after: upTo }))).toEqual(['after'])
    })
  })
}
