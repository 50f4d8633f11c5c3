import { describe, expect, it } from 'vitest'
import type { Reply, SentMessage } from '../../../src/agent/message-worker.ts'
import type { ElizaMemory, ElizaRuntime } from '../../../src/elizaos/eliza-runtime.ts'
import { ChannelError } from '../../../src/protocol/errors.ts'
import { replyOf, RuntimeAnswer } from '../../../src/elizaos/outgoing.ts'

const AGENT_ID = '550e8400-e29b-41d4-a716-446655440001'
const ROOM_ID = '550e8400-e29b-41d4-a716-446655440002'
const SENT: SentMessage = { id: 'm', channelId: 'c', seq: 1, createdAt: 1, isDuplicate: false }

/** A runtime that remembers in memory. */
function createRuntime() {
  const memories: ElizaMemory[] = []
  const runtime: ElizaRuntime = {
    agentId: AGENT_ID,
    character: { name: 'Ada' },
    emitEvent: async () => undefined,
    getMemoryById: async (id) => memories.find((memory) => memory.id === id) ?? null,
    createMemory: async (memory, tableName) => {
      if (tableName === 'messages') memories.push(memory)
    },
  }
  return { runtime, memories }
}

const ignore = () => undefined

/** What it says, as the lines of what was done. */
function listen({ refusal }: { refusal?: Error | undefined } = {}) {
  const log = { refusal }
  const done: [string, Reply | undefined][] = []
  const warnings: object[] = []
  const { runtime, memories } = createRuntime()
  const say = (act: string, reply: Reply | undefined): SentMessage => {
    if (log.refusal !== undefined) throw log.refusal
    done.push([act, reply])
    return { ...SENT, id: `m${done.length}` }
  }
  const answer = new RuntimeAnswer({
    runtime,
    message: { roomId: ROOM_ID },
    context: {
      reply: async (reply) => say('reply', reply),
      stream: () => ({
        write: async (text) => void done.push(['write', text]),
        end: async (rest) => say('end', rest),
      }),
      log: {
        debug: ignore,
        info: ignore,
        error: ignore,
        warn: (fields) => void warnings.push(fields),
      },
    },
  })
  const remembered = () => memories.map(({ content }) => content.text)
  return { answer, done, warnings, remembered, log }
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

  it.each([undefined, null, 'hi'])('%j is refused', (content) => {
    expect(() => replyOf(content as never)).toThrow('callback: must be a content')
  })
})

describe('an answer', () => {
  it('is one message for each content', async () => {
    const { answer, done, remembered } = listen()
    expect(await answer.say({ text: 'one', thought: 't' })).toMatchObject([
      { entityId: AGENT_ID, roomId: ROOM_ID, content: { text: 'one', thought: 't' } },
    ])
    expect(await answer.say({ actions: ['IGNORE'] })).toEqual([])
    await answer.say({ text: 'two' })
    expect(done).toEqual([
      ['reply', { text: 'one', thought: 't' }],
      ['reply', { text: 'two' }],
    ])
    expect(remembered()).toEqual(['one', 'two'])
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
    const { answer, done, remembered } = listen()
    await answer.show('Twice')
    await answer.say({ text: 'Once upon', thought: 't' })
    expect(done.slice(1)).toEqual([
      ['end', undefined],
      ['reply', { text: 'Once upon', thought: 't' }],
    ])
    expect(remembered()).toEqual(['Twice', 'Once upon'])
  })

  it('that was shown and then ignored stands', async () => {
    const { answer, done } = listen()
    await answer.show('Hm')
    await answer.say({ thought: 'no', actions: ['IGNORE'] })
    expect(done.slice(1)).toEqual([['end', undefined]])
  })

  it('that was only shown is a message in the end', async () => {
    const { answer, done, remembered } = listen()
    void answer.show('Hm')
    await answer.finish()
    expect(done).toEqual([
      ['write', 'Hm'],
      ['end', undefined],
    ])
    expect(remembered()).toEqual(['Hm'])
  })

  it('that nobody waits for is waited for in the end, and tells then why it failed', async () => {
    const { answer, remembered } = listen()
    void answer.say({ text: 'one' })
    void answer.say({ text: 'two' })
    await answer.finish()
    expect(remembered()).toEqual(['one', 'two'])
    const refused = listen({ refusal: new Error('too large') })
    void refused.answer.say({ text: 'one' })
    await expect(refused.answer.finish()).rejects.toThrow('too large')
    expect(refused.warnings).toEqual([])
  })

  it('that could not be stored for now is told in the end, whoever caught it, unless it was said again', async () => {
    const refusal = new ChannelError('WRITER_UNAVAILABLE')
    const { answer, remembered, log } = listen({ refusal })
    await expect(answer.say({ text: 'one' })).rejects.toBe(refusal)
    await expect(answer.say({ text: 'two' })).rejects.toBe(refusal)
    log.refusal = undefined
    await answer.say({ text: 'one' })
    await answer.show('shown')
    await expect(answer.finish()).rejects.toBe(refusal)
    expect(remembered()).toEqual(['one', 'shown'])
    await answer.say({ text: 'two' })
    await answer.finish()
  })

  it("that will never be stored is its handler's to deal with", async () => {
    const refusal = new ChannelError('PAYLOAD_TOO_LARGE')
    const { answer } = listen({ refusal })
    await expect(answer.say({ text: 'one' })).rejects.toBe(refusal)
    await answer.finish()
  })

  it('that comes too late is a line of the log, and leaves no rejection behind', async () => {
    const refusal = new Error('this work is over')
    const { answer, warnings } = listen({ refusal })
    await answer.finish()
    answer.close()
    void answer.say({ text: 'late' })
    await expect(answer.say({ text: 'later' })).rejects.toThrow(refusal)
    expect(warnings).toEqual([{ err: refusal }])
  })
})
