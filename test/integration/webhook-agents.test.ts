import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import type { AgentWorld } from './support/agent-world.ts'
import { json, SECRET } from './support/webhook-agent.ts'
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

describe('an agent that is called over HTTP', () => {
  it('gets messages signed, with where they were said, and its reply is said with all its parts', async () => {
    agent.answer = json({ text: 'hi', thought: 'hm', actions: ['REPLY'], metadata: { a: 1 } })
    const { channelId } = await hooks.host()
    const messageId = await world.say(channelId, 'hello')
    await world.until(async () => (await world.messages(channelId)).length === 2)
    const [call] = agent.calls
    expect(call?.event).toEqual({
      type: 'message.created',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      data: {
        message: expect.objectContaining({
          id: messageId,
          channelId,
          seq: 1,
          text: 'hello',
          senderId: 'alice',
        }),
        channel: { id: channelId, serverId: DEFAULT_SERVER_ID, type: 'GROUP', name: 'A channel' },
        agent: { id: 'hook', name: 'Hook' },
      },
    })
    expect(call?.headers).toMatchObject({
      host: `127.0.0.1:${agent.port}`,
      'content-type': 'application/json; charset=utf-8',
      accept: 'application/json, text/event-stream',
    })
    const [, reply] = await world.messages(channelId)
    expect(reply).toMatchObject({
      authorId: 'hook',
      body: {
        text: 'hi',
        inReplyTo: messageId,
        metadata: { a: 1 },
        raw: { thought: 'hm', actions: ['REPLY'] },
      },
    })
  })

  it('may say several things, or nothing', async () => {
    const answers = [json(['one', { text: 'two' }]), json([]), json(null, 204), json('text')]
    agent.answer = (response, call) => answers.shift()?.(response, call)
    const { channelId } = await hooks.host()
    for (const text of ['a', 'b', 'c', 'd']) await world.say(channelId, text)
    await hooks.through()
    expect(await world.texts(channelId, 'hook')).toEqual(['one', 'two', 'text'])
  })

  it('is called again after a failure, with the same id and body, and what it said is said once', async () => {
    const answers = [json({}, 500), json(['said', { text: 1 }]), json(['said', 'whole'])]
    agent.answer = (response, call) => answers.shift()?.(response, call)
    const { channelId } = await hooks.host()
    await world.say(channelId, 'hello')
    await hooks.through()
    expect(await world.texts(channelId, 'hook')).toEqual(['said', 'whole'])
    const ids = agent.calls.map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(1)
    expect(new Set(agent.calls.map(({ body }) => body)).size).toBe(1)
    expect(agent.calls).toHaveLength(3)
    await world.say(channelId, 'another')
    await world.until(() => agent.calls.length > 3)
    expect(agent.calls[3]?.headers['webhook-id']).not.toBe(ids[0])
  })

  it.each([
    ['nothing for long', () => undefined, 'nothing came for 50 ms'],
    ['500', json({}, 500), 'answered 500'],
    ['400', json({}, 400), 'answered 400'],
    ['a reply without text', json({}), 'says nothing'],
    ['a reply of nonsense', json({ text: 1, attachments: 'x' }), 'text: must be a string'],
    [
      'more replies than may be',
      json(Array.from({ length: 17 }, String)),
      '17 replies; at most 16',
    ],
  ] as const)(
    'is given up where it answers %s, and the log says why',
    async (_what, answer, reason) => {
      agent.answer = answer
      const { channelId } = await hooks.host({ webhook: { maxSilenceMs: 50 } })
      await world.say(channelId, 'hello')
      expect(await hooks.givenUp()).toContain(reason)
      expect(await world.texts(channelId, 'hook')).toEqual([])
      expect(agent.calls).toHaveLength(3)
    },
  )

  it.each([
    ['another type', { type: 'text/html', body: '<p>' }, 'with the type text/html'],
    ['no type', { body: 'x' }, 'without a content type'],
    ['broken JSON', { type: 'application/json', body: '{"text":' }, 'the answer is not JSON'],
    ['no UTF-8', { type: 'application/json', body: Buffer.from([0x22, 0xff, 0x22]) }, 'not UTF-8'],
    ['an encoding', { type: 'application/json', encoding: 'gzip', body: '""' }, 'encoding gzip'],
  ] as const)('is given up where its body has %s', async (_what, answered, reason) => {
    const { type, encoding, body } = { type: undefined, encoding: undefined, ...answered }
    agent.answer = (response) => {
      if (type !== undefined) response.setHeader('content-type', type)
      if (encoding !== undefined) response.setHeader('content-encoding', encoding)
      response.writeHead(200).end(body)
    }
    await world.say((await hooks.host()).channelId, 'hello')
    expect(await hooks.givenUp()).toContain(reason)
  })

  it('may not lead elsewhere', async () => {
    agent.answer = (response) => response.writeHead(307, { location: agent.url }).end()
    await world.say((await hooks.host()).channelId, 'hello')
    expect(await hooks.givenUp()).toContain('answered 307: redirects are not followed')
    expect(agent.calls).toHaveLength(3)
  })

  it('may not answer 10 MB: it is cut off where it may not say more', async () => {
    agent.answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      // All that it says at once, and it would say more.
      response.write(JSON.stringify('x'.repeat(10_000_000)))
    }
    await world.say((await hooks.host()).channelId, 'hello')
    expect(await hooks.givenUp()).toContain('answered more than 4194304 bytes')
    await world.until(() => agent.lostCount === 3)
  })

  it('that answers after the deadline is not heard any more, and its connection is closed', async () => {
    agent.answer = () => undefined
    const { channelId } = await hooks.host({ runtime: { handlerTimeoutMs: 50, retryDelaysMs: [] } })
    await world.say(channelId, 'hello')
    await world.until(async () => (await world.failures('hook')).length === 1)
    expect((await world.failures('hook'))[0]?.reason).toBe('it took longer than 50 ms')
    await world.until(() => agent.lostCount === 1)
    expect(await world.texts(channelId, 'hook')).toEqual([])
  })

  it('that answers with a change of protocol is given up at once', async () => {
    agent.answer = (response) => {
      response.socket?.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      )
    }
    await world.say((await hooks.host()).channelId, 'hello')
    expect(await hooks.givenUp()).toMatch(
      /^WebhookError: 127\.0\.0\.1:\d+ closed .* without an answer$/,
    )
  })

  it('that closes the connection, or is not there, is given up', async () => {
    agent.answer = (response) => response.socket?.destroy()
    await world.say((await hooks.host()).channelId, 'hello')
    expect(await hooks.givenUp()).toContain('could not be reached: socket hang up')
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = JSON.parse(JSON.stringify(closed.address()))
    closed.close()
    await once(closed, 'close')
    const caller = hooks.caller()
    const call = { url: `http://127.0.0.1:${port}`, secret: SECRET, id: 'msg_1', body: '{}' }
    const called = caller.call(
      { ...call, signal: new AbortController().signal },
      async () => undefined,
    )
    await expect(called).rejects.toThrow(/^127\.0\.0\.1:\d+ could not be reached: .*ECONNREFUSED/)
  })

  it('that answers 410 is reported as gone', async () => {
    agent.answer = json({}, 410)
    await world.say((await hooks.host()).channelId, 'hello')
    expect(await hooks.givenUp()).toContain('answered 410')
    expect(hooks.goneCount).toBe(3)
  })

  it('is told of who joins, and may greet them', async () => {
    agent.answer = json('welcome')
    const { channelId, runtime } = await hooks.host()
    const joined = { entityId: 'ann', channelId, serverId: 's', roomId: channelId, worldId: 's' }
    runtime.join({ ...joined, metadata: { a: 1 }, source: 'socketio' })
    await world.until(async () => (await world.messages(channelId)).length === 1)
    const [call] = agent.calls
    expect(call?.event).toMatchObject({
      type: 'entity.joined',
      data: {
        event: { entityId: 'ann', metadata: { a: 1 } },
        channel: { id: channelId },
        agent: { id: 'hook' },
      },
    })
    expect(await world.texts(channelId)).toEqual(['welcome'])
  })
})

describe('where an agent may be called', () => {
  it('is nowhere but at public addresses, by whichever name, and with TLS', async () => {
    const names: Readonly<Record<string, readonly string[]>> = {
      'both.example': ['8.8.8.8', '10.0.0.1'],
      'public.example': ['8.8.8.8'],
      'empty.example': [],
    }
    const caller = hooks.caller({
      allow: ['listed.example', '192.168.7.0/24'],
      resolve: async (hostname) =>
        (names[hostname] ?? ['127.0.0.1']).map((address) => ({ address, family: 4 })),
    })
    const refusal = async (url: string): Promise<string> => {
      const call = {
        url,
        secret: SECRET,
        id: 'msg_1',
        body: '{}',
        signal: new AbortController().signal,
      }
      return caller
        .call(call, async () => undefined)
        .then(
          () => 'called',
          (error: unknown) => String(error),
        )
    }
    for (const host of [
      '127.0.0.1',
      'localhost',
      'LOCALHOST.',
      '[::1]',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '127.1',
      '0.0.0.0',
      '[::ffff:10.0.0.1]',
      '169.254.169.254',
      '100.64.0.1',
      '10.0.0.1',
      '[fe80::1]',
      '[fd00::1]',
      '[64:ff9b::a00:1]',
      'both.example',
      '192.168.8.1',
    ]) {
      expect([host, await refusal(`https://${host}:1/`)]).toEqual([
        host,
        expect.stringMatching(/which is not public; PARLEY_WEBHOOK_ALLOW may allow it$/),
      ])
    }
    expect(await refusal('http://public.example/')).toContain('not called without TLS')
    expect(await refusal('https://empty.example/')).toContain('has no address')
  })

  it('is decided for each call, and the call goes to what was looked up, under its name', async () => {
    const answers = ['127.0.0.1', '127.0.0.2', '127.0.0.1']
    const asked: string[] = []
    const { channelId } = await hooks.host({
      url: `http://rebound.example:${agent.port}/hook`,
      resolve: async (hostname) => {
        asked.push(hostname)
        return [{ address: answers[asked.length - 1] ?? '10.0.0.1', family: 4 }]
      },
    })
    await world.say(channelId, 'first')
    await hooks.through()
    expect(agent.calls[0]?.headers.host).toBe(`rebound.example:${agent.port}`)
    // Refused once, then called again.
    await world.say(channelId, 'second')
    await hooks.through()
    expect([agent.calls.length, asked.length]).toEqual([2, 3])
    const lines = world.saying('worker failed: message is handed out again')
    expect(lines.map(({ reason }) => reason)).toEqual([expect.stringContaining('is at 127.0.0.2')])
  })
})
