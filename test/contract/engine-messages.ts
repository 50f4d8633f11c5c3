import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
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
  refusal,
  textsOf,
} from './engine-support.ts'

export function describeMessages({ engine, clock }: Bench): void {
  describe('posting', () => {
    it('numbers the entries of each channel 1, 2, 3, … in the order of the commands', () => {
      const a = channelIn(engine())
      const b = channelIn(engine())
      const applied = engine().apply([post(a, '1'), post(b, '1'), post(a, '2'), post(a, '3')])
      expect(applied.map((one) => 'outcome' in one && one.outcome.seq)).toEqual([1, 1, 2, 3])
      expect(entriesOf(engine(), a).map(({ seq }) => seq)).toEqual([1, 2, 3])
      expect(textsOf(engine(), a)).toEqual(['3', '2', '1'])
      expect(engine().head(a)).toBe(3)
      expect(engine().head('nowhere')).toBe(0)
    })

    it('answers and emits the message as it is stored', () => {
      const id = channelIn(engine())
      const body = {
        text: 'hi \u{1F600} \ud800 \0',
        source: 's',
        metadata: { a: [1, null] },
        raw: 0,
      }
      const command = post(id, '', { body, clientMessageId: 'c1', authorId: newId() })
      const { outcome, entries } = apply(engine(), command)
      const { message } = command
      expect(outcome.message).toEqual({
        ...message,
        serverId: DEFAULT_SERVER_ID,
        seq: 1,
        createdAt: clock.nowMs,
        updatedAt: clock.nowMs,
      })
      expect(entries).toEqual(entriesOf(engine(), id))
      expect(engine().message(message.id)).toEqual(outcome.message)
    })

    it('creates the channel with the first message, once', () => {
      openInbox(engine(), 'bot')
      const draft = channelDraft({ participants: [{ entityId: 'bot', isAgent: true }] })
      const first = { ...post(draft.id, 'a'), create: draft }
      const { outcome } = apply(engine(), first)
      expect(outcome).toMatchObject({ seq: 1, isCreated: true, hasAgents: true })
      expect(outcome.channel).toEqual(engine().channel(draft.id))
      const second = apply(engine(), { ...post(draft.id, 'b'), create: draft })
      expect(second.outcome.isCreated).toBeUndefined()
      expect(apply(engine(), first).outcome).toEqual({ ...outcome, isDuplicate: true })
    })

    it('says whether an agent is to deal with it', () => {
      openInbox(engine(), 'bot')
      const id = channelIn(engine())
      expect(apply(engine(), post(id, 'a')).entries[0]).toMatchObject({ hasAgents: false })
      const add = [{ entityId: 'bot', isAgent: true }]
      apply(engine(), { type: 'change-participants', id: newId(), channelId: id, add, remove: [] })
      expect(apply(engine(), post(id, 'b')).entries[0]).toMatchObject({ hasAgents: true })
      const participants = ['human']
      apply(engine(), { type: 'update-channel', id: newId(), channelId: id, participants })
      expect(apply(engine(), post(id, 'c')).outcome.hasAgents).toBe(false)
    })

    it('refuses a missing channel, a missing server and a foreign id, and leaves nothing behind', () => {
      const id = channelIn(engine())
      const taken = post(id, 'a')
      apply(engine(), taken)
      const missing = channelDraft()
      const serverless = channelDraft({ serverId: 'no-server' })
      expect(refusal(engine(), post(missing.id, 'x'))).toBe('CHANNEL_NOT_FOUND')
      const create = { ...post(serverless.id, 'x'), create: serverless }
      expect(refusal(engine(), create)).toBe('SERVER_NOT_FOUND')
      const other = post(id, 'x', { id: taken.message.id, authorId: 'other' })
      expect(refusal(engine(), other)).toBe('MESSAGE_ID_TAKEN')
      const elsewhere = post(missing.id, 'x', { id: taken.message.id })
      expect(refusal(engine(), { ...elsewhere, create: missing })).toBe('MESSAGE_ID_TAKEN')
      expect(engine().channel(missing.id)).toBeUndefined()
      expect(engine().channel(serverless.id)).toBeUndefined()
      expect(engine().channels()).toHaveLength(1)
      expect(textsOf(engine(), id)).toEqual(['a'])
    })

    it('goes on with the batch after a refusal, without a hole', () => {
      const id = channelIn(engine())
      const applied = engine().apply([post(id, '1'), post('gone', 'x'), post(id, '2')])
      expect(applied.map((one) => 'error' in one)).toEqual([false, true, false])
      expect(entriesOf(engine(), id).map(({ seq }) => seq)).toEqual([1, 2])
    })

    it('never lets times go back along the numbers', () => {
      const id = channelIn(engine())
      apply(engine(), post(id, 'a'))
      clock.nowMs -= 60_000
      apply(engine(), post(id, 'b'))
      clock.nowMs += 120_000
      apply(engine(), post(id, 'c'))
      const times = entriesOf(engine(), id).map(({ at }) => at - 1_700_000_000_000)
      expect(times).toEqual([0, 0, 60_000])
    })
  })

  describe('repeating a post', () => {
    it('answers the first result for the same client id, whatever the content', () => {
      const id = channelIn(engine())
      const { outcome } = apply(engine(), post(id, 'first', { clientMessageId: 'c' }))
      const again = apply(engine(), post(id, 'second', { clientMessageId: 'c' }))
      expect(again).toEqual({ outcome: { ...outcome, isDuplicate: true }, entries: [] })
      const others = [
        post(id, 'x', { clientMessageId: 'c', authorId: 'other' }),
        post(channelIn(engine()), 'x', { clientMessageId: 'c' }),
      ]
      for (const other of others) expect(apply(engine(), other).outcome.isDuplicate).toBeUndefined()
    })

    it('recognises a repetition within one batch', () => {
      const id = channelIn(engine())
      const command = post(id, 'a', { clientMessageId: 'c' })
      const applied = engine().apply([command, command, post(id, 'b')])
      expect(applied.map((one) => 'outcome' in one && one.outcome.seq)).toEqual([1, 1, 2])
    })

    it('recognises the message id of the same author and channel', () => {
      const id = channelIn(engine())
      const command = post(id, 'first')
      apply(engine(), command)
      const again = apply(engine(), post(id, 'second', { id: command.message.id }))
      expect(again.outcome).toMatchObject({ seq: 1, isDuplicate: true })
      expect(again.outcome.message?.body.text).toBe('first')
    })

    it('still knows it after deletion, clearing, and deletion and re-creation of the channel', () => {
      const id = channelIn(engine())
      const command = post(id, 'secret', { clientMessageId: 'c' })
      const { messageId } = { messageId: command.message.id }
      const empty = { seq: 1, isDuplicate: true, message: { id: messageId, body: { text: '' } } }
      const again = () => apply(engine(), post(id, 'secret', { clientMessageId: 'c' })).outcome
      apply(engine(), command)
      apply(engine(), { type: 'delete', id: newId(), messageId })
      expect(again()).toMatchObject(empty)
      apply(engine(), { type: 'clear', id: newId(), channelId: id })
      expect(again()).toMatchObject(empty)
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: id })
      expect(again()).toMatchObject(empty)
      expect(engine().channel(id)).toBeUndefined()
      apply(engine(), createChannel({ id }))
      expect(again()).toMatchObject(empty)
      expect(apply(engine(), command).outcome).toMatchObject(empty)
      expect(textsOf(engine(), id)).toEqual([])
    })
  })

  describe('editing and deleting', () => {
    it('replaces the named parts and keeps number, time and author', () => {
      const id = channelIn(engine())
      const { message } = apply(engine(), post(id, 'old', { authorId: 'ann' })).outcome
      clock.nowMs += 5
      const changes = { text: 'new', metadata: { edited: true } }
      const edit = {
        type: 'edit',
        id: newId(),
        messageId: message!.id,
        channelId: id,
        changes,
      } as const
      const { outcome, entries } = apply(engine(), edit)
      const now = { ...message, body: { ...message!.body, ...changes }, updatedAt: clock.nowMs }
      expect(outcome).toEqual({ seq: 2, message: now })
      expect(entries[0]).toMatchObject({ kind: 'edited', seq: 2, message: now })
      expect(engine().message(message!.id)).toEqual(now)
      const read = entriesOf(engine(), id)
      expect(read[0]).toMatchObject({ kind: 'posted', seq: 1, message: now })
      expect(read[1]).toEqual(entries[0])
      expect(apply(engine(), edit)).toEqual({
        outcome: { ...outcome, isDuplicate: true },
        entries: [],
      })
    })

    it('refuses to edit what is missing, erased, elsewhere or of another author', () => {
      const id = channelIn(engine())
      const messageId = newId()
      const edit = () => ({ type: 'edit', id: newId(), messageId, changes: { text: 'x' } }) as const
      expect(refusal(engine(), edit())).toBe('MESSAGE_NOT_FOUND')
      apply(engine(), post(id, 'a', { id: messageId }))
      expect(refusal(engine(), { ...edit(), channelId: 'other' })).toBe('MESSAGE_NOT_FOUND')
      expect(refusal(engine(), { ...edit(), authorId: 'other' })).toBe('ACCESS_DENIED')
      apply(engine(), { type: 'delete', id: newId(), messageId })
      expect(refusal(engine(), edit())).toBe('MESSAGE_NOT_FOUND')
      expect(engine().head(id)).toBe(2)
    })

    it('erases the content everywhere, once', () => {
      const id = channelIn(engine())
      const messageId = newId()
      const remove = () => ({ type: 'delete', id: newId(), messageId, channelId: id }) as const
      expect(refusal(engine(), remove())).toBe('MESSAGE_NOT_FOUND')
      apply(engine(), post(id, 'secret', { id: messageId }))
      apply(engine(), { type: 'edit', id: newId(), messageId, changes: { text: 'secret 2' } })
      expect(refusal(engine(), { ...remove(), channelId: 'other' })).toBe('MESSAGE_NOT_FOUND')
      const first = remove()
      const { outcome, entries } = apply(engine(), first)
      expect(outcome).toEqual({ seq: 3 })
      expect(entries[0]).toMatchObject({ kind: 'deleted', seq: 3, messageId, messageSeq: 1 })
      expect(apply(engine(), first).outcome).toEqual({ seq: 3, isDuplicate: true })
      expect(apply(engine(), remove())).toEqual({ outcome: {}, entries: [] })
      expect(engine().message(messageId)).toBeUndefined()
      expect(textsOf(engine(), id)).toEqual([])
      expect(JSON.stringify(entriesOf(engine(), id))).not.toContain('secret')
      expect(entriesOf(engine(), id)[1]).toMatchObject({ kind: 'edited', message: null })
    })
  })
}
