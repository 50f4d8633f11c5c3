import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Message } from '../../src/protocol/model.ts'
import { newId } from '../../src/util/new-id.ts'
import type { AgentWorld } from './support/agent-world.ts'
import { event, events } from './support/webhook-agent.ts'
import type { WebhookAgent } from './support/webhook-agent.ts'
import { startWebhookWorld } from './support/webhook-world.ts'
import type { WebhookWorld } from './support/webhook-world.ts'

let hooks: WebhookWorld
let world: AgentWorld
let agent: WebhookAgent

beforeEach(async () => {
  hooks = await startWebhookWorld()
  ;({ world, agent } = hooks)
})

afterEach(async () => {
  await hooks[Symbol.asyncDispose]()
})

const chunk = (text: string): string => event('chunk', { text })

/** What the agent said, with the state of its stream where that did not come to its end. */
async function said(channelId: string): Promise<readonly Message['body'][]> {
  const messages = await world.messages(channelId)
  return messages.filter(({ authorId }) => authorId === 'hook').map(({ body }) => body)
}

it('an event stream is said while it comes, and is one message with all its parts', async () => {
  agent.answer = events(
    ': hello\n\n',
    chunk('Häl'),
    'data: {"text":"lo"}\n\n',
    event('other', 'ignored'),
    'event: chunk\ndata: {"te\ndata: xt": "!"}\n\n'.replace('{"te\ndata: xt"', '{\ndata: "text"'),
    event('done', { text: '?', thought: 'hm', actions: ['REPLY'] }),
    chunk('never'),
  )
  const { channelId } = await hooks.host()
  const messageId = await world.say(channelId, 'hello')
  await hooks.through()
  expect(await said(channelId)).toMatchObject([
    { text: 'Hällo!?', inReplyTo: messageId, raw: { thought: 'hm', actions: ['REPLY'] } },
  ])
  expect((await said(channelId))[0]?.stream).toBeUndefined()
})

it('an event stream without text says nothing', async () => {
  agent.answer = events('event: done\ndata:\n\n')
  const { channelId } = await hooks.host()
  await world.say(channelId, 'hello')
  await hooks.through()
  expect([await said(channelId), await world.failures('hook')]).toEqual([[], []])
})

it('an event stream may end while its connection stays, and its last characters may come apart', async () => {
  const bytes = Buffer.from(chunk('ä') + event('done', {}).replace('{}', ''))
  agent.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    const at = bytes.indexOf(0xc3) + 1
    response.write(bytes.subarray(0, at))
    setImmediate(() => response.write(bytes.subarray(at)))
  }
  const { channelId } = await hooks.host()
  await world.say(channelId, 'hello')
  await hooks.through()
  expect(await world.texts(channelId, 'hook')).toEqual(['ä'])
  await world.until(() => agent.lostCount === 1)
})

it.each([
  ['no end', [chunk('some')], 'the event stream ended without a done event'],
  [
    'an error',
    [chunk('some'), event('error', { error: 'out of tokens' })],
    'the agent gave up: out of tokens',
  ],
  [
    'broken data',
    [chunk('some'), 'event: chunk\ndata: {"text"\n\n'],
    'the data of a chunk event is not JSON',
  ],
  ['a chunk of nonsense', [chunk('some'), event('chunk', { text: 3 })], 'must be {"text": "…"}'],
  ['an end of nonsense', [chunk('some'), event('done', { text: 3 })], 'text: must be a string'],
])(
  'an event stream with %s is failed with the text so far, and is not begun anew',
  async (_what, lines, reason) => {
    agent.answer = events(...lines)
    const { channelId } = await hooks.host()
    const messageId = await world.say(channelId, 'hello')
    expect(await hooks.givenUp(1)).toContain(reason)
    expect(await said(channelId)).toMatchObject([{ text: 'some', stream: { state: 'failed' } }])
    // Until somebody wants it to be tried again.
    agent.answer = events(chunk('better'), event('done', { actions: [] }))
    await world.log.append({ type: 'retry-failure', id: newId(), agentId: 'hook', messageId })
    await world.until(async () => (await world.failures('hook')).length === 0)
    expect(await world.texts(channelId, 'hook')).toEqual(['some', 'better'])
  },
)

it('an event stream that fails before its first text is tried again', async () => {
  const answers = [
    events(event('error', 'not yet')),
    events(chunk('now'), event('done', { thought: 'ok' })),
  ]
  agent.answer = (response, call) => answers.shift()?.(response, call)
  const { channelId } = await hooks.host()
  await world.say(channelId, 'hello')
  await hooks.through()
  expect(await said(channelId)).toMatchObject([{ text: 'now' }])
  expect(agent.calls).toHaveLength(2)
})

it('an event stream whose lines end in returns alone is heard to its end while its connection stays', async () => {
  agent.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write((chunk('old') + event('done', { text: ' lines' })).replaceAll('\n', '\r'))
  }
  const { channelId } = await hooks.host({ webhook: { maxSilenceMs: 1_000 } })
  await world.say(channelId, 'hello')
  await hooks.through()
  expect(await world.texts(channelId, 'hook')).toEqual(['old lines'])
  await world.until(() => agent.lostCount === 1)
})

it.each([
  ['one line', 'data: '.padEnd(1_000, 'x')],
  ['many lines', 'data: x\n'.repeat(100)],
  ['many lines that say nothing', ': x\n'.repeat(200)],
])('an event of too many characters in %s is not waited for', async (_what, long) => {
  agent.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk('some') + long)
  }
  const { channelId } = await hooks.host({ webhook: { maxEventChars: 500 } })
  await world.say(channelId, 'hello')
  expect(await hooks.givenUp(1)).toContain('an event has more than 500 characters')
  expect(await said(channelId)).toMatchObject([{ text: 'some', stream: { state: 'failed' } }])
  await world.until(() => agent.lostCount === 1)
})

it('an event stream of 10 MB is cut off at the size of a message', async () => {
  agent.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const part = chunk('x'.repeat(100_000))
    for (let count = 0; count < 100; count += 1) response.write(part)
  }
  const { channelId } = await hooks.host()
  await world.say(channelId, 'hello')
  await hooks.givenUp(1)
  const [message] = await said(channelId)
  expect(message?.stream?.state).toBe('failed')
  expect(message?.text.length).toBeLessThanOrEqual(1_000_000)
  await world.until(() => agent.lostCount === 1)
})

it('an event stream that nothing comes of for long is failed, however it began', async () => {
  agent.answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk('some'))
  }
  const { channelId } = await hooks.host({ webhook: { maxSilenceMs: 100 } })
  await world.say(channelId, 'hello')
  expect(await hooks.givenUp(1)).toContain('nothing came for 100 ms')
  expect(await said(channelId)).toMatchObject([{ text: 'some', stream: { state: 'failed' } }])
})
