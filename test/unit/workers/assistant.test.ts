import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { WorkerMessage } from '../../../src/agent/worker.ts'
import type Assistant from '../../../workers/assistant.ts'
import { FakeChannel } from './support/channel.ts'
import { delta, endless, Endpoint, streamed } from './support/endpoint.ts'
import type { Answer } from './support/endpoint.ts'

const KEY = 'sk-secret-123'
const EVENTS = { 'content-type': 'text/event-stream; charset=utf-8' }

/** Refuses, and shows what a careless endpoint shows. */
const refuse =
  (status: number): Answer =>
  (response) => {
    response.writeHead(status).end(`your header was Bearer ${KEY}`)
  }

const broken: Answer = (response) => {
  response.writeHead(200, EVENTS).write(delta('half'), () => response.destroy())
}

const said =
  (text: string): Answer =>
  (response) => {
    response.writeHead(200, EVENTS).end(text)
  }

const page: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
}

let endpoint: Endpoint
let assistant: typeof Assistant

beforeAll(async () => {
  endpoint = await new Endpoint().listen()
})
afterAll(() => endpoint[Symbol.asyncDispose]())
beforeEach(async () => {
  endpoint.asked.length = 0
  endpoint.answer = streamed('hello')
  // As it is when it was just loaded.
  vi.resetModules()
  ;({ default: assistant } = await import('../../../workers/assistant.ts'))
})

const settings = (more: Readonly<Record<string, string>> = {}) => ({
  ASSISTANT_URL: endpoint.url,
  ASSISTANT_MODEL: 'small',
  ...more,
})

const work = (
  channel: FakeChannel,
  message: WorkerMessage,
  env: Readonly<Record<string, string>> = settings(),
) => assistant.message(message, env, channel.context(message))

describe('Assistant', () => {
  it('says nothing and one line where no endpoint is set, however much it is told', async () => {
    const channel = new FakeChannel('Assistant', 'DM')
    const model = { ASSISTANT_MODEL: 'small' }
    for (const env of [
      {},
      model,
      { ...model, ASSISTANT_URL: 'nonsense' },
      { ASSISTANT_URL: 'http://a' },
    ]) {
      await work(channel, channel.say('ann', 'hello?'), env)
    }
    expect(channel.lines.map(({ message }) => message)).toEqual([
      'Assistant stays silent: set ASSISTANT_URL (and ASSISTANT_MODEL), and start the server again',
    ])
    expect([...channel.replies, ...channel.streams]).toEqual([])
  })

  it('asks for the model with prompt, history and key, and shows the answer as it comes', async () => {
    endpoint.answer = streamed('Good ', 'morning', ', Ann 👋')
    const channel = new FakeChannel('Assistant', 'DM')
    channel.say('ann', 'hi')
    channel.say('ann', '', { attachments: [{ url: 'a' }] })
    channel.say('Assistant-id', 'Hello.')
    const env = settings({
      ASSISTANT_KEY: KEY,
      ASSISTANT_PROMPT: 'Be kind.',
      ASSISTANT_URL: `${endpoint.url}/?v=1`,
    })
    await work(channel, channel.say('ann', 'good morning'), env)
    expect(endpoint.asked).toEqual([
      {
        path: '/v1/chat/completions?v=1',
        authorization: `Bearer ${KEY}`,
        body: {
          model: 'small',
          stream: true,
          messages: [
            { role: 'system', content: 'Be kind.' },
            { role: 'user', content: 'ann: hi' },
            { role: 'assistant', content: 'Hello.' },
            { role: 'user', content: 'ann: good morning' },
          ],
        },
      },
    ])
    expect(channel.streams).toEqual([{ chunks: ['Good ', 'morning', ', Ann 👋'], isEnded: true }])
  })

  it('gives the model the latest of a long conversation, and all of the message in hand', async () => {
    const channel = new FakeChannel('Assistant', 'DM')
    for (let index = 0; index < 30; index += 1) channel.say('ann', `${index} ${'x'.repeat(4_000)}`)
    const long = 'y'.repeat(30_000)
    await work(channel, channel.say('ann', long))
    const [asked] = endpoint.asked
    expect(asked?.authorization).toBeUndefined()
    const contents = asked?.body.messages.slice(1).map(({ content }) => content)
    expect(contents?.map((content) => content.slice(0, 8))).toEqual([
      'ann: 26 ',
      'ann: 27 ',
      'ann: 28 ',
      'ann: 29 ',
      'ann: yyy',
    ])
    expect(contents?.at(-1)).toBe(`ann: ${long}`)
  })

  it('answers people that say its name in a group, and neither others nor agents', async () => {
    const channel = new FakeChannel('Assistant', 'GROUP', ['echo'])
    for (const [who, text] of [
      ['ann', 'what do you think, ben?'],
      ['echo', 'assistant, are you there?'],
      ['ben', 'assistants are all alike'],
      ['ben', 'no idea. assistant?'],
    ] as const) {
      await work(channel, channel.say(who, text))
    }
    expect(endpoint.asked).toHaveLength(1)
    expect(channel.replies).toHaveLength(1)
  })

  it.each<readonly [string, Answer, string]>([
    ['401', refuse(401), '401: ASSISTANT_KEY is missing or wrong'],
    ['404', refuse(404), '404: is ASSISTANT_URL or ASSISTANT_MODEL wrong?'],
    ['429', refuse(429), '429: too many requests, or no credit left'],
    ['500', refuse(500), '500'],
    ['a connection that breaks', broken, 'terminated (UND_ERR_SOCKET)'],
    ['an answer that ends early', said(delta('half')), 'it ended before it was whole'],
    [
      'an error in the stream',
      said(`data: {"error":{"message":"overloaded ${KEY}"}}\n\n`),
      'overloaded …',
    ],
    ['what is no answer', said('data: <html>\n\n'), 'Unexpected token'],
    ['one that does not stream', said('{"choices":[]}'), 'it ended before it was whole'],
    ['a page', page, 'it answered with text/html, not an event stream: is ASSISTANT_URL wrong?'],
  ])(
    'fails on %s with what an operator understands, and without the key',
    async (...[, answer, reason]) => {
      endpoint.answer = answer
      const channel = new FakeChannel('Assistant', 'DM')
      const failed = work(channel, channel.say('ann', 'hello'), settings({ ASSISTANT_KEY: KEY }))
      const error = await failed.then(
        () => new Error('it did not fail'),
        (thrown: Error) => thrown,
      )
      expect(error.message).toContain(`no answer of ${endpoint.host}: ${reason}`)
      expect(`${error.stack} ${String(error.cause)}`).not.toContain(KEY)
      expect(channel.streams[0]?.isEnded).toBe(false)
    },
  )

  it('fails likewise on an endpoint that is not there, and on a key that is no header', async () => {
    const channel = new FakeChannel('Assistant', 'DM')
    const nowhere = settings({ ASSISTANT_URL: 'http://127.0.0.1:1/v1' })
    await expect(work(channel, channel.say('ann', 'a'), nowhere)).rejects.toThrow(
      'no answer of 127.0.0.1:1: fetch failed',
    )
    const bad = settings({ ASSISTANT_KEY: `${KEY}\nmore` })
    const thrown = work(channel, channel.say('ann', 'b'), bad)
    await expect(thrown).rejects.toThrow('no answer of')
    await expect(thrown).rejects.not.toThrow(KEY)
  })

  it('hangs up when its signal is aborted, and does not blame the endpoint', async () => {
    endpoint.answer = endless('thinking about it')
    const channel = new FakeChannel('Assistant', 'DM')
    const hungUp = endpoint.hungUp
    const reason = new Error('cancelled by ann')
    channel.onWrite = () => {
      channel.aborting.abort(reason)
    }
    const stopped = work(channel, channel.say('ann', 'think'))
    await expect(stopped).rejects.toBe(reason)
    await vi.waitFor(() => {
      expect(endpoint.hungUp).toBe(hungUp + 1)
    })
    expect(channel.streams).toEqual([{ chunks: ['thinking about it'], isEnded: false }])
  })
})
