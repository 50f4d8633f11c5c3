import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json, SECRET, startWebhookAgent } from '../integration/support/webhook-agent.ts'
import type { WebhookAgent } from '../integration/support/webhook-agent.ts'
import { agentIdOf } from '../../src/service/agent-id.ts'
import { startAgents } from './support/agent-server.ts'
import type { AgentServer } from './support/agent-server.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { channelPath, restData } from './support/rest.ts'

const TIME_MS = 1_000
const MESSAGE_BYTES = 200_000

/** Does what it is told, all of it bad, and answers otherwise. */
const BAD = `
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  export default {
    agent: { name: 'Bad' },
    async message({ text }, env, ctx) {
      const [act, url] = text.split(' ')
      if (act === 'nonsense') {
        const words = []
        for (const reply of [42, '', { txt: 'typo' }, { text: 'x', metadata: { at: new Date() } }]) {
          await ctx.reply(reply).catch((error) => words.push(error.name + ': ' + error.message))
        }
        await ctx.reply(words.join('; '))
        return { text: 'returned' }
      }
      if (act === 'fast' || act === 'slow') {
        const stream = ctx.stream()
        for (;;) {
          await stream.write(act === 'fast' ? 'x'.repeat(9_999) : 'x ')
          if (act === 'slow') await pause(20)
        }
      }
      if (act === 'after') {
        const stream = ctx.stream()
        await stream.write('the ')
        await stream.end('whole')
        const refused = await stream.write(' and more').catch((error) => error.message)
        await ctx.reply(refused + ', ' + (await stream.end('again')).seq)
        return
      }
      if (act === 'delete') {
        await fetch(url, { method: 'DELETE' })
        await ctx.reply('into the void').catch((error) => ctx.log.info({ channelId: ctx.channel.id }, String(error)))
        return
      }
      if (act === 'throw') throw { not: 'an error' }
      await ctx.reply('heard ' + text)
    },
  }`

const changer = (id: string): string => `
  export default {
    agent: { name: 'Changer', id: '${id}' },
    message: ({ text }, env, ctx) => ctx.reply('${id} heard ' + text).then(() => undefined),
  }`

const HOOKS = ['Silent', 'Large', 'Late'] as const
type Hook = (typeof HOOKS)[number]

/** Says nothing to who joins. */
const toMessages =
  (answer: WebhookAgent['answer']): WebhookAgent['answer'] =>
  (response, call) => {
    const isJoin = call.event.data.message === undefined
    if (isJoin) response.writeHead(204).end()
    else answer(response, call)
  }

let hooks: Readonly<Record<Hook, WebhookAgent>>
let agents: AgentServer

beforeAll(async () => {
  const [Silent, Large, Late] = await Promise.all([
    startWebhookAgent(),
    startWebhookAgent(),
    startWebhookAgent(),
  ])
  Silent.answer = toMessages(() => undefined)
  Large.answer = toMessages((response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    // And it would say more.
    response.write(JSON.stringify('x'.repeat(10_000_000)))
  })
  Late.answer = toMessages((...call) => {
    setTimeout(() => json('too late')(...call), TIME_MS + 500).unref()
  })
  hooks = { Silent, Large, Late }
  const fixed = HOOKS.map((name) => ({ name, url: hooks[name].url, secret: SECRET }))
  agents = await startAgents(
    { 'bad.js': BAD, 'changer.js': changer('changer-one') },
    {
      PARLEY_AGENTS: JSON.stringify(fixed),
      PARLEY_WEBHOOK_ALLOW: '127.0.0.1/32',
      PARLEY_AGENT_TIMEOUT_MS: String(TIME_MS),
      PARLEY_MAX_MESSAGE_BYTES: String(MESSAGE_BYTES),
    },
  )
}, TEST_TIMEOUT_MS)

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
  await Promise.all(HOOKS.map((name) => hooks[name][Symbol.asyncDispose]()))
})

interface Failures {
  readonly failures: readonly { readonly messageId: string; readonly reason: string }[]
}

/** Somebody in a channel with an agent, who says this; when that is complete, what came of it. */
async function told(agentId: string, text: string) {
  const who = `tells ${text}`.replaceAll(/\W+/g, '-').slice(0, 40)
  const channelId = await agents.channel('DM', [who, agentId])
  const client = await agents.joined(who, channelId)
  const ack = await client.send(channelId, text)
  const messageId = String(ack['messageId'])
  await client.saw('messageComplete', { messageId })
  const said = (await agents.said(channelId)).filter(({ authorId }) => authorId === agentId)
  return { client, channelId, messageId, said: said.map(({ content }) => content) }
}

/** Why the message was set aside, as the list says. */
async function reasonOf(path: string, messageId: string): Promise<string> {
  const look = async () => {
    const { failures } = await restData<Failures>(agents.server.url, { path })
    return failures.find((failure) => failure.messageId === messageId)?.reason
  }
  return eventually(look, { what: `the failure of ${messageId}` })
}

const BAD_FAILURES = '/api/workers/bad/failures'

// All wait for real time to pass.
describe.concurrent('a handler', { timeout: TEST_TIMEOUT_MS }, () => {
  it('that says nonsense is told what it is; what it returns is nothing', async () => {
    const { said } = await told(agents.agent('bad'), 'nonsense')
    expect(said).toEqual([
      [
        'TypeError: reply: must be a text, or an object with a text',
        'TypeError: reply: says nothing: there is no text and no attachment',
        'TypeError: reply: Unrecognized key: "txt"',
        'TypeError: reply: metadata: must be an object; must be plain JSON, nested at most 16 levels',
      ].join('; '),
    ])
    await agents.logged({ msg: 'what a handler returns is ignored: use ctx.reply' })
  })

  it.each([
    ['fast', 'TypeError: stream: the text is too large: a message has at most 200000 bytes'],
    ['slow', `it took longer than ${TIME_MS} ms`],
  ])('that streams forever, and %s, is bounded; what was shown stands', async (pace, reason) => {
    const { client, channelId, messageId, said } = await told(agents.agent('bad'), pace)
    expect(await reasonOf(BAD_FAILURES, messageId)).toBe(reason)
    const [text = ''] = said
    expect(text.length).toBeGreaterThan(pace === 'fast' ? MESSAGE_BYTES - 10_000 : 10)
    expect(text.length).toBeLessThanOrEqual(MESSAGE_BYTES)
    const [message] = client.all('messageBroadcast', { streamState: 'failed' })
    expect(message).toMatchObject({ text })
    await client.send(channelId, 'fine')
    await client.saw('messageBroadcast', { text: 'heard fine' })
  })

  it('that writes behind the end of its stream is refused, and the end stands', async () => {
    const { said } = await told(agents.agent('bad'), 'after')
    expect(said).toEqual(['the whole', 'stream.write: the stream ended, 2'])
  })

  it('that replies to a deleted channel is refused; its message is gone, and it goes on elsewhere', async () => {
    const id = agents.agent('bad')
    const channelId = await agents.channel('DM', ['deletes', id])
    const url = `${agents.server.url}${channelPath(channelId)}`
    await agents.post(channelId, 'deletes', `delete ${url}`)
    await agents.logged({ msg: 'ChannelError: Channel not found', channelId })
    expect((await told(id, 'fine')).said).toEqual(['heard fine'])
    expect(agents.lines({ reason: 'ChannelError: Channel not found', channelId })).toEqual([])
  })

  it('that throws what is no error has failed like others', async () => {
    const { messageId, said } = await told(agents.agent('bad'), 'throw')
    expect(await reasonOf(BAD_FAILURES, messageId)).toBe(
      "threw { not: 'an error' } instead of an Error",
    )
    expect(said).toEqual([])
  })
})

describe.concurrent('an agent over HTTP', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each([
    ['Silent', `it took longer than ${TIME_MS} ms`],
    ['Late', `it took longer than ${TIME_MS} ms`],
    ['Large', 'WebhookError: answered more than 4194304 bytes'],
  ] as const)(
    'that is %s is called three times, heard never, and given up',
    async (name, reason) => {
      const id = agentIdOf(name)
      const { messageId, channelId, said } = await told(id, `to ${name}`)
      expect(await reasonOf(`/api/agents/${id}/failures`, messageId)).toBe(reason)
      const hook = hooks[name]
      const calls = hook.calls.filter(({ event }) => event.data.message?.id === messageId)
      expect(new Set(calls.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
      expect([said, calls.length]).toEqual([[], 3])
      await eventually(() => hook.lostCount === 3, { what: 'three connections that are closed' })
      // The channel goes on.
      hook.answer = json('in time')
      await agents.post(channelId, 'anybody', 'once more')
      await eventually(async () => (await agents.said(channelId)).at(-1)?.content === 'in time', {
        what: 'an answer',
      })
    },
  )
})

describe('an agent that changes its id between versions', { timeout: TEST_TIMEOUT_MS }, () => {
  it('is another one, in no channel; the earlier one is back with its id, and answers what was said meanwhile', async () => {
    const load = async (id: string, times: number): Promise<void> => {
      await agents.folder.write({ 'changer.js': changer(id) })
      process.kill(agents.server.pid, 'SIGUSR2')
      await expect
        .poll(() => agents.lines({ msg: 'inbox opened', agentId: id }).length, { timeout: 30_000 })
        .toBe(times)
    }
    const texts = async (channelId: string) =>
      (await agents.said(channelId)).map(({ content }) => content)
    const [first, second] = [
      await agents.channel('GROUP', ['ian', 'changer-one']),
      await agents.channel('GROUP', ['ian', 'changer-two']),
    ]
    await agents.post(first, 'ian', 'one')
    await agents.answers(first, 'changer', 1)
    await load('changer-two', 1)
    await agents.post(second, 'ian', 'two')
    await agents.post(first, 'ian', 'to nobody')
    await expect.poll(() => texts(second)).toEqual(['two', 'changer-two heard two'])
    const { agents: listed } = await restData<{ agents: readonly { readonly id: string }[] }>(
      agents.server.url,
      { path: '/api/agents' },
    )
    expect(listed.map(({ id }) => id)).toContain('changer-two')
    expect(listed.map(({ id }) => id)).not.toContain('changer-one')
    expect(await texts(first)).toEqual(['one', 'changer-one heard one', 'to nobody'])
    await load('changer-one', 2)
    await expect.poll(async () => (await texts(first)).at(-1)).toBe('changer-one heard to nobody')
  })
})
