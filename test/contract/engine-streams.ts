import { describe, expect, it } from 'vitest'
import { ENGINE_LIMITS } from '../../src/log/engine/limits.ts'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import {
  BOT,
  cancelStream,
  checkpoint,
  endStream,
  openStream,
  OWNER,
} from './engine-stream-support.ts'
import type { OpenStream } from './engine-stream-support.ts'
import { apply, channelIn, entriesOf, post, refusal } from './engine-support.ts'

const STRANGER = 'stranger'
const INTERRUPTED = { state: 'interrupted', error: 'the process that wrote it ended' } as const

/** What of a stream that goes on can be told from the command that opened it. */
const storedOf = (command: OpenStream) => ({
  messageId: command.message.id,
  channelId: command.message.channelId,
  serverId: DEFAULT_SERVER_ID,
  agentId: BOT,
  name: command.message.clientMessageId,
  owner: OWNER,
  isCancelled: false,
  body: command.message.body,
  text: '',
})

export function describeStreams({ engine }: Bench): void {
  const opened = (channelId: string, name: string, parts = {}) => {
    const command = openStream(channelId, name, parts)
    apply(engine(), command)
    return command
  }
  const activeIds = () =>
    engine()
      .activeStreams()
      .map(({ messageId }) => messageId)

  describe('a stream that is opened', () => {
    it('goes on beside the channel, with all that it will be, and leaves no entry', () => {
      const id = channelIn(engine())
      const command = openStream(id, 're:1:0', { answers: 'asked', visibleTo: BOT })
      const stream = { messageId: command.message.id, state: 'streaming' }
      expect(apply(engine(), command)).toEqual({ outcome: { stream }, entries: [] })
      expect(engine().activeStreams()).toEqual([{ ...storedOf(command), answers: 'asked' }])
      expect([engine().head(id), engine().message(stream.messageId)]).toEqual([0, undefined])
      expect(engine().newestPlace()).toBe(0)
    })

    it('is the same when it is opened again by its process, under the first id', () => {
      const id = channelIn(engine())
      const first = opened(id, 'n')
      const stream = { messageId: first.message.id, state: 'streaming' }
      for (const repeated of [first, openStream(id, 'n'), openStream(id, 'n', { again: 'm' })]) {
        const { outcome, entries } = apply(engine(), repeated)
        expect([outcome, entries]).toEqual([{ isDuplicate: true, stream }, []])
      }
      apply(engine(), cancelStream(id, first.message.id))
      expect(apply(engine(), first).outcome.stream).toEqual({ ...stream, isCancelled: true })
      expect(activeIds()).toEqual([first.message.id])
    })

    it('has its name for its author in its channel alone', () => {
      const [id, other] = [channelIn(engine()), channelIn(engine())]
      const commands = [
        opened(id, 'n'),
        opened(id, 'm'),
        opened(other, 'n'),
        opened(id, 'n', { message: { authorId: 'another' } }),
      ]
      expect(activeIds()).toEqual(commands.map(({ message }) => message.id).toSorted())
    })

    it('has its text stored as often as that is told, while it goes on', () => {
      const id = channelIn(engine())
      const [one, two] = [opened(id, '1'), opened(id, '2')]
      const [a, b] = [one.message.id, two.message.id]
      const told = apply(engine(), checkpoint({ [a]: 'a \u0000 ö 🙂', [b]: 'b', none: 'c' }))
      expect(told).toEqual({ outcome: {}, entries: [] })
      apply(engine(), checkpoint({ [b]: 'bb' }))
      const texts = () =>
        engine()
          .activeStreams()
          .map(({ text }) => text)
          .toSorted()
      expect(texts()).toEqual(['a \u0000 ö 🙂', 'bb'])
      apply(engine(), endStream(two, ''))
      apply(engine(), checkpoint({ [b]: 'bbb' }))
      expect(texts()).toEqual(['a \u0000 ö 🙂'])
    })
  })

  describe('the name of a stream', () => {
    it('that is a message answers what it ended as', () => {
      const id = channelIn(engine())
      const [whole, cut] = [opened(id, 'whole'), opened(id, 'cut')]
      apply(engine(), endStream(whole, 'w'))
      apply(engine(), endStream(cut, 'c', { state: 'cancelled' }))
      const plain = post(id, 'p', { authorId: BOT, clientMessageId: 'plain' })
      apply(engine(), plain)
      for (const [name, seq, state] of [
        ['whole', 1, 'complete'],
        ['cut', 2, 'cancelled'],
        ['plain', 3, 'complete'],
      ] as const) {
        const { outcome, entries } = apply(engine(), openStream(id, name))
        const message = engine().messages({ channelId: id, limit: 9 }).messages.at(-seq)!
        const stream = { messageId: message.id, state }
        expect([outcome, entries]).toEqual([{ isDuplicate: true, seq, message, stream }, []])
      }
      expect(activeIds()).toEqual([])
    })

    it('gives way to the other one only where what it names did not come to its end', () => {
      const id = channelIn(engine())
      for (const state of ['complete', 'cancelled', 'interrupted', 'failed'] as const) {
        const first = opened(id, state)
        apply(engine(), endStream(first, 'text', { state }))
        const second = openStream(id, state, { again: `${state}:again` })
        const { outcome } = apply(engine(), second)
        if (state === 'complete') {
          expect(outcome).toMatchObject({ isDuplicate: true, stream: { state } })
          continue
        }
        const stream = { messageId: second.message.id, state: 'streaming' }
        expect(outcome).toEqual({ stream })
        // Sent again, by the same attempt or another one.
        expect(apply(engine(), second).outcome).toEqual({ isDuplicate: true, stream })
        apply(engine(), endStream(second, 'more', { state: 'failed' }))
        const third = openStream(id, state, { again: `${state}:again` })
        expect(apply(engine(), third).outcome).toMatchObject({
          isDuplicate: true,
          message: { body: { text: 'more' } },
          stream: { messageId: second.message.id, state: 'failed' },
        })
      }
    })

    it('is free again after an end that left nothing, and stays taken after its message is erased', () => {
      const id = channelIn(engine())
      apply(engine(), endStream(opened(id, 'n'), '', { state: 'interrupted' }))
      const second = opened(id, 'n', { again: 'm' })
      expect(engine().activeStreams()).toMatchObject([{ name: 'n' }])
      apply(engine(), endStream(second, 'x', { state: 'failed' }))
      apply(engine(), { type: 'delete', id: newId(), messageId: second.message.id })
      expect(apply(engine(), openStream(id, 'n', { again: 'm' })).outcome).toMatchObject({
        isDuplicate: true,
        message: { body: { text: '' } },
        stream: { messageId: second.message.id, state: 'complete' },
      })
    })

    it('is not taken a second time by the attempt whose stream was ended before it was answered', () => {
      const id = channelIn(engine())
      const first = opened(id, 'n', { again: 'm' })
      apply(engine(), endStream(first, 'x', { state: 'interrupted' }))
      expect(apply(engine(), first).outcome).toMatchObject({
        isDuplicate: true,
        stream: { messageId: first.message.id, state: 'interrupted' },
      })
    })
  })

  describe('a stream that another process left open', () => {
    it('ends as interrupted, with the text that is stored, ahead of whoever takes its name', () => {
      const id = channelIn(engine(), { participants: [{ entityId: 'ear', isAgent: true }] })
      apply(engine(), { type: 'open-inbox', id: newId(), agentId: 'ear' })
      const left = opened(id, 'n')
      apply(engine(), checkpoint({ [left.message.id]: 'so f' }))
      const [applied] = engine().apply([openStream(id, 'n', { owner: STRANGER })])
      const body = { ...left.message.body, text: 'so f', stream: INTERRUPTED }
      const message = { id: left.message.id, clientMessageId: 'n', seq: 1, body }
      expect(applied).toMatchObject({
        outcome: { isDuplicate: true, message, stream: { state: 'interrupted' } },
        entries: [{ kind: 'posted', seq: 1, message, hasAgents: true }],
        agents: ['ear'],
      })
      expect(activeIds()).toEqual([])
    })

    it('makes room for the other name, or for itself where it had no text', () => {
      const id = channelIn(engine())
      const [silent, spoken] = [opened(id, 'silent'), opened(id, 'spoken')]
      apply(engine(), checkpoint({ [spoken.message.id]: 'text' }))
      const parts = { owner: STRANGER, again: 'again' }
      const second = openStream(id, 'silent', parts)
      const stream = { messageId: second.message.id, state: 'streaming' }
      expect(apply(engine(), second)).toEqual({ outcome: { stream }, entries: [] })
      const third = openStream(id, 'spoken', parts)
      const { outcome, entries } = apply(engine(), third)
      expect(outcome).toMatchObject({ stream: { messageId: third.message.id, state: 'streaming' } })
      expect(outcome.isDuplicate).toBeUndefined()
      expect(entries).toMatchObject([{ message: { id: spoken.message.id } }])
      const names = engine()
        .activeStreams()
        .map(({ name, owner }) => `${name} of ${owner}`)
      expect(names.toSorted()).toEqual([`again of ${STRANGER}`, `silent of ${STRANGER}`])
      expect(activeIds()).not.toContain(silent.message.id)
    })

    it('stays as it is where nothing could be opened in its place', () => {
      const id = channelIn(engine())
      const left = opened(id, 'n')
      const said = post(id, 'x')
      apply(engine(), said)
      const message = { id: said.message.id }
      const taking = openStream(id, 'n', { owner: STRANGER, message })
      expect(refusal(engine(), taking)).toBe('MESSAGE_ID_TAKEN')
      expect(activeIds()).toEqual([left.message.id])
    })
  })

  describe('a stream that may not be', () => {
    it('is refused where its channel is missing, deleted or hidden from its author', () => {
      const hidden = channelIn(engine(), { visibility: 'private' })
      const gone = channelIn(engine())
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: gone })
      for (const channelId of ['missing', gone, hidden]) {
        const command = openStream(channelId, 'n', { visibleTo: BOT })
        expect(refusal(engine(), command)).toBe('CHANNEL_NOT_FOUND')
      }
      expect(refusal(engine(), openStream('missing', 'n'))).toBe('CHANNEL_NOT_FOUND')
      const add = [{ entityId: BOT, isAgent: true }]
      const change = { type: 'change-participants', id: newId(), channelId: hidden, add } as const
      apply(engine(), { ...change, remove: [] })
      expect(apply(engine(), openStream(hidden, 'n', { visibleTo: BOT })).outcome).toMatchObject({
        stream: { state: 'streaming' },
      })
    })

    it('is refused in the name of another where its opener takes no part', () => {
      const id = channelIn(engine())
      expect(refusal(engine(), openStream(id, 'n', { visibleTo: 'eve' }))).toBe('ACCESS_DENIED')
    })

    it('is refused under the id of a message, or of a stream of another name', () => {
      const id = channelIn(engine())
      const said = post(id, 'x')
      apply(engine(), said)
      for (const { message } of [said, opened(id, 'n')]) {
        const command = openStream(id, 'm', { message: { id: message.id } })
        expect(refusal(engine(), command)).toBe('MESSAGE_ID_TAKEN')
      }
      expect(engine().activeStreams()).toHaveLength(1)
      expect(entriesOf(engine(), id)).toHaveLength(1)
    })

    it('is refused while as many go on as may', () => {
      const id = channelIn(engine())
      const many = Array.from({ length: ENGINE_LIMITS.maxStreams }, (_, at) =>
        openStream(id, `${at}`),
      )
      const applied = engine().apply(many)
      expect(applied.filter((one) => 'error' in one)).toEqual([])
      expect(refusal(engine(), openStream(id, 'more'))).toBe('OVERLOADED')
      expect(apply(engine(), openStream(id, '0')).outcome.isDuplicate).toBe(true)
      apply(engine(), endStream(many[0]!, ''))
      apply(engine(), openStream(id, 'more'))
      expect(refusal(engine(), openStream(id, 'too many'))).toBe('OVERLOADED')
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: id })
      expect(activeIds()).toEqual([])
      opened(channelIn(engine()), 'anew')
    })
  })
}
