import { describe, expect, it } from 'vitest'
import type { Reply, SentMessage } from '../../../src/agent/message-worker.ts'
import type { ElizaRuntime } from '../../../src/elizaos/eliza-runtime.ts'
import { replyOf, RuntimeAnswer } from '../../../src/elizaos/outgoing.ts'

const RUNTIME: ElizaRuntime = {
  agentId: '550e8400-e29b-41d4-a716-446655440001',
  character: { name: 'Ada' },
  emitEvent: async () => undefined,
}

const SENT: SentMessage = { id: 'm', channelId: 'c', seq: 1, createdAt: 1, isDuplicate: false }

/** What it says, as the lines of what was done. */
function listen() {
  const done: [string, Reply | undefined][] = []
  const answer = new RuntimeAnswer(RUNTIME, {
    reply: async (reply) => {
      done.push(['reply', reply])
      return SENT
    },
    stream: () => ({
      write: async (text) => void done.push(['write', text]),
      end: async (rest) => {
        done.push(['end', rest])
        return SENT
      },
    }),
  })
  return { answer, done }
}

describe('what a callback gets', () => {
  it.each([
    [{ text: 'hi' }, { text: 'hi' }],
    [
      { text: 'hi', thought: '', actions: ['REPLY'], simple: true, providers: [] },
      { text: 'hi', actions: ['REPLY'] },
    ],
    [
      { attachments: [{ url: 'u', title: undefined, at: new Date(0) }] },
      { attachments: [{ url: 'u', at: '1970-01-01T00:00:00.000Z' }] },
    ],
    [
      { text: 'hi', metadata: { a: [1] } },
      { text: 'hi', metadata: { a: [1] } },
    ],
    [{ text: '', thought: 'hm', actions: ['REPLY'] }, undefined],
    [{ text: 'never mind', actions: ['IGNORE'] }, undefined],
    [{ text: 'never mind', actions: ['ignore'] }, undefined],
    [{ attachments: [] }, undefined],
    [{}, undefined],
  ])('%j is said as %j', (content, reply) => {
    expect(replyOf(content)).toEqual(reply)
  })
})

describe('an answer', () => {
  it('is one message for each content', async () => {
    const { answer, done } = listen()
    expect(await answer.say({ text: 'one', thought: 't' })).toMatchObject([
      { entityId: RUNTIME.agentId, content: { text: 'one', thought: 't' } },
    ])
    expect(await answer.say({ actions: ['IGNORE'] })).toEqual([])
    await answer.say({ text: 'two' })
    expect(done).toEqual([
      ['reply', { text: 'one', thought: 't' }],
      ['reply', { text: 'two' }],
    ])
  })

  it('that was shown in pieces becomes the message that begins with them', async () => {
    const { answer, done } = listen()
    await answer.show('Once ')
    await answer.show('')
    await answer.show('upon')
    await answer.say({ text: 'Once upon a time', thought: 't', actions: ['REPLY'] })
    await answer.say({ text: 'The end' })
    expect(done).toEqual([
      ['write', 'Once '],
      ['write', 'upon'],
      ['end', { text: ' a time', thought: 't', actions: ['REPLY'] }],
      ['reply', { text: 'The end' }],
    ])
  })

  it('that was shown whole is not said again, also where blanks differ', async () => {
    for (const shown of ['Once upon', ' Once upon\n']) {
      const { answer, done } = listen()
      await answer.show(shown)
      await answer.say({ text: 'Once upon', thought: 't' })
      expect(done.slice(1)).toEqual([['end', { thought: 't' }]])
    }
  })

  it('that is another one than was shown is said as well', async () => {
    const { answer, done } = listen()
    await answer.show('Twice')
    await answer.say({ text: 'Once upon', thought: 't' })
    expect(done.slice(1)).toEqual([
      ['end', undefined],
      ['reply', { text: 'Once upon', thought: 't' }],
    ])
  })

  it('that was shown and then ignored stands', async () => {
    const { answer, done } = listen()
    await answer.show('Hm')
    await answer.say({ thought: 'no', actions: ['IGNORE'] })
    expect(done.slice(1)).toEqual([['end', undefined]])
  })
})
