import { describe, expect, it } from 'vitest'
import { newId } from '../../src/util/new-id.ts'
import type { Bench } from './engine.contract.ts'
import { BOT, cancelStream, checkpoint, endStream, openStream } from './engine-stream-support.ts'
import { apply, channelIn, entriesOf, post, refusal, textsOf } from './engine-support.ts'

const agent = (entityId: string) => ({ entityId, isAgent: true })

export function describeStreamEnds({ engine, clock }: Bench): void {
  const opened = (channelId: string, name: string) => {
    const command = openStream(channelId, name)
    apply(engine(), command)
    return command
  }

  describe('a stream that ends', () => {
    it('becomes the message whose id it has, numbered and timed by its end, for other agents too', () => {
      const id = channelIn(engine(), { participants: [agent(BOT), agent('ear'), agent('far')] })
      for (const agentId of [BOT, 'ear'])
        apply(engine(), { type: 'open-inbox', id: newId(), agentId })
      const stream = opened(id, 'n')
      apply(engine(), post(id, 'meanwhile'))
      clock.nowMs += 5_000
      const [applied] = engine().apply([endStream(stream, 'whole')])
      const { serverId } = engine().channel(id)!
      const at = clock.nowMs
      const message = {
        id: stream.message.id,
        channelId: id,
        serverId,
        seq: 2,
        authorId: BOT,
        clientMessageId: 'n',
        createdAt: at,
        updatedAt: at,
        body: { text: 'whole', source: 'test', inReplyTo: 'asked' },
      }
      expect(applied).toMatchObject({
        outcome: {
          seq: 2,
          message,
          hasAgents: true,
          stream: { messageId: message.id, state: 'complete' },
        },
        entries: [{ kind: 'posted', channelId: id, seq: 2, at, message, hasAgents: true }],
        agents: ['ear'],
      })
      expect([engine().message(message.id), entriesOf(engine(), id)[1]]).toMatchObject([
        message,
        { message },
      ])
      expect(engine().inbox({ agentId: 'ear', after: 0, limit: 9 }).items).toMatchObject([
        {},
        { message },
      ])
      expect(engine().activeStreams()).toEqual([])
    })

    it('waits for nobody where the other agents are away', () => {
      const id = channelIn(engine(), { participants: [agent(BOT), agent('ear')] })
      apply(engine(), { type: 'open-inbox', id: newId(), agentId: 'ear' })
      engine().awayAgents.add('ear')
      const [applied] = engine().apply([endStream(opened(id, 'n'), 'whole')])
      expect(applied).toMatchObject({ outcome: { hasAgents: false } })
      expect(applied).not.toHaveProperty('agents')
    })

    it('says how, and why, unless it came to its end', () => {
      const id = channelIn(engine())
      for (const state of ['cancelled', 'interrupted', 'failed'] as const) {
        const end = endStream(opened(id, state), state, { state, error: 'why' })
        const { outcome } = apply(engine(), end)
        expect(outcome.message?.body.stream).toEqual({ state, error: 'why' })
        expect(outcome.stream).toEqual({ messageId: end.messageId, state })
      }
      const silent = endStream(opened(id, 'silent'), 'x', { state: 'failed' })
      expect(apply(engine(), silent).outcome.message?.body.stream).toEqual({ state: 'failed' })
      const whole = endStream(opened(id, 'whole'), 'x', { error: 'ignored' })
      const marked = { ...whole, body: { ...whole.body, stream: { state: 'failed' } as const } }
      expect(apply(engine(), marked).outcome.message?.body).not.toHaveProperty('stream')
    })

    it('leaves nothing where there is neither text nor attachment', () => {
      const id = channelIn(engine())
      const [empty, picture] = [opened(id, 'empty'), opened(id, 'picture')]
      apply(engine(), checkpoint({ [empty.message.id]: 'checkpoint' }))
      const end = endStream(empty, '', { state: 'interrupted', error: 'why' })
      const none = { ...end, body: { ...end.body, attachments: [] } }
      const stream = { messageId: end.messageId, state: 'interrupted' }
      expect(engine().apply([none, none])).toEqual([
        { outcome: { stream }, entries: [] },
        { outcome: { stream, isDuplicate: true }, entries: [] },
      ])
      expect([engine().head(id), engine().message(end.messageId)]).toEqual([0, undefined])
      const shown = endStream(picture, '')
      const { outcome } = apply(engine(), { ...shown, body: { ...shown.body, attachments: ['p'] } })
      expect(outcome).toMatchObject({ seq: 1, message: { body: { text: '', attachments: ['p'] } } })
    })

    it('ends once: the first end stands, whoever comes with another', () => {
      const id = channelIn(engine())
      const stream = opened(id, 'n')
      const first = endStream(stream, 'first', { state: 'cancelled' })
      const { message } = apply(engine(), first).outcome
      const shown = { messageId: stream.message.id, state: 'cancelled' }
      for (const later of [first, endStream(stream, 'second'), endStream(stream, '')]) {
        expect(apply(engine(), later)).toEqual({
          outcome: { isDuplicate: true, seq: 1, message, stream: shown },
          entries: [],
        })
      }
      expect(refusal(engine(), endStream(openStream(id, 'never'), 'x'))).toBe('STREAM_NOT_FOUND')
      expect(engine().head(id)).toBe(1)
    })

    it('is a message like others from then on, and its erased text is nowhere', () => {
      const id = channelIn(engine())
      const [stream, other] = [opened(id, 'n'), opened(id, 'm')]
      const end = endStream(stream, 'x', { state: 'failed', error: 'secret' })
      apply(engine(), end)
      const { messageId } = end
      apply(engine(), { type: 'edit', id: newId(), messageId, changes: { text: 'y' } })
      expect(engine().message(messageId)?.body).toMatchObject({
        text: 'y',
        stream: { state: 'failed' },
      })
      apply(engine(), { type: 'delete', id: newId(), messageId })
      expect(JSON.stringify([apply(engine(), end), entriesOf(engine(), id)])).not.toContain(
        'secret',
      )
      apply(engine(), { type: 'clear', id: newId(), channelId: id })
      apply(engine(), endStream(other, 'after the clearing'))
      expect(textsOf(engine(), id)).toEqual(['after the clearing'])
    })

    it('gives way to what its author said under its name meanwhile', () => {
      const id = channelIn(engine())
      const stream = opened(id, 'n')
      const said = post(id, 'said', { authorId: BOT, clientMessageId: 'n' })
      apply(engine(), said)
      expect(apply(engine(), endStream(stream, 'streamed'))).toMatchObject({
        outcome: { isDuplicate: true, seq: 1, stream: { messageId: said.message.id } },
        entries: [],
      })
      expect([engine().activeStreams(), textsOf(engine(), id)]).toEqual([[], ['said']])
    })

    it('becomes no message where another has its id, and is gone', () => {
      const id = channelIn(engine())
      const stream = opened(id, 'n')
      apply(engine(), post(id, 'theirs', { id: stream.message.id }))
      expect(apply(engine(), endStream(stream, 'x'))).toEqual({
        outcome: { stream: { messageId: stream.message.id, state: 'failed' } },
        entries: [],
      })
      expect([engine().activeStreams(), textsOf(engine(), id)]).toEqual([[], ['theirs']])
    })
  })

  describe('a stream whose channel is deleted', () => {
    it('is gone with it, also where the channel is made again', () => {
      const serverId = newId()
      apply(engine(), {
        type: 'create-server',
        id: newId(),
        server: { id: serverId, name: 's', sourceType: 't' },
      })
      const [alone, ofServer, stays] = [{}, { serverId }, {}].map((draft) =>
        channelIn(engine(), draft),
      )
      const streams = [alone, ofServer].map((id) => opened(id!, 'n'))
      const kept = opened(stays!, 'n')
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: alone! })
      apply(engine(), { type: 'delete-server', id: newId(), serverId })
      expect(engine().activeStreams()).toMatchObject([{ messageId: kept.message.id }])
      channelIn(engine(), { id: alone! })
      for (const stream of streams) {
        expect(refusal(engine(), endStream(stream, 'x'))).toBe('STREAM_NOT_FOUND')
        expect(apply(engine(), endStream(stream, '')).entries).toEqual([])
      }
      expect(textsOf(engine(), alone!)).toEqual([])
      opened(alone!, 'n')
      expect(engine().activeStreams()).toHaveLength(2)
    })

    it('that ended before is answered with its message, without its text', () => {
      const id = channelIn(engine())
      const end = endStream(opened(id, 'n'), 'x', { state: 'failed' })
      apply(engine(), end)
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: id })
      const { outcome } = apply(engine(), end)
      expect(outcome).toMatchObject({ isDuplicate: true, seq: 1, message: { body: { text: '' } } })
    })
  })

  describe('the wish that a stream ends', () => {
    it('is remembered with it, whatever it ends as', () => {
      const id = channelIn(engine())
      const stream = opened(id, 'n')
      const cancel = cancelStream(id, stream.message.id)
      const wished = { messageId: stream.message.id, state: 'streaming', isCancelled: true }
      for (const each of [cancel, cancel, cancelStream(id, stream.message.id)]) {
        expect(apply(engine(), each)).toEqual({ outcome: { stream: wished }, entries: [] })
      }
      expect(engine().activeStreams()).toMatchObject([{ isCancelled: true }])
      expect(apply(engine(), endStream(stream, 'x')).outcome.stream?.state).toBe('complete')
    })

    it('leaves one that has ended as it is, and any other message', () => {
      const id = channelIn(engine())
      const end = endStream(opened(id, 'n'), 'x', { state: 'interrupted' })
      const said = post(id, 'said')
      engine().apply([end, said])
      for (const [messageId, state] of [
        [end.messageId, 'interrupted'],
        [said.message.id, 'complete'],
      ] as const) {
        const { outcome } = apply(engine(), cancelStream(id, messageId))
        expect(outcome).toEqual({ stream: { messageId, state } })
      }
    })

    it('finds no stream of another channel, nor one that is erased or never was', () => {
      const [id, other] = [channelIn(engine()), channelIn(engine())]
      const goingOn = opened(other, 'n')
      const elsewhere = post(other, 'elsewhere')
      const erased = post(id, 'erased')
      const erase = { type: 'delete', id: newId(), messageId: erased.message.id } as const
      engine().apply([elsewhere, erased, erase])
      const ids = [goingOn, elsewhere, erased].map(({ message }) => message.id)
      for (const messageId of [...ids, erase.id, 'never']) {
        expect(apply(engine(), cancelStream(id, messageId)).outcome).toEqual({})
      }
      expect(engine().activeStreams()).toMatchObject([{ isCancelled: false }])
    })

    it('is refused where the channel is hidden, missing or deleted', () => {
      const hidden = channelIn(engine(), { visibility: 'private' })
      const { message } = opened(hidden, 'n')
      const guarded = { ...cancelStream(hidden, message.id), visibleTo: 'eve' }
      expect(refusal(engine(), guarded)).toBe('CHANNEL_NOT_FOUND')
      apply(engine(), { type: 'delete-channel', id: newId(), channelId: hidden })
      for (const channelId of [hidden, 'missing']) {
        const cancel = cancelStream(channelId, message.id)
        expect(refusal(engine(), cancel)).toBe('CHANNEL_NOT_FOUND')
      }
    })
  })
}
