import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  event,
  events,
  json,
  SECRET,
  startWebhookAgent,
} from '../integration/support/webhook-agent.ts'
import type { WebhookAgent } from '../integration/support/webhook-agent.ts'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { agentIdOf } from '../../src/service/agent-id.ts'
import type { Payload } from '../compat/support/client.ts'
import { startAgents } from './support/agent-server.ts'
import type { AgentServer, Listed } from './support/agent-server.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { restData, restUntilAnswered } from './support/rest.ts'

const ECHO = `
  export default {
    agent: { name: 'Echo' },
    message: async (message, env, ctx) => { await ctx.reply('echo ' + message.text) },
  }`

let hook: WebhookAgent
let fixed: WebhookAgent
let agents: AgentServer

beforeAll(async () => {
  hook = await startWebhookAgent()
  fixed = await startWebhookAgent()
  fixed.answer = json('fixed')
  agents = await startAgents(
    { 'echo.js': ECHO },
    {
      PARLEY_AGENT_HOSTS: '2',
      PARLEY_WEBHOOK_ALLOW: '127.0.0.1/32',
      PARLEY_AGENTS: JSON.stringify([{ name: 'Fixed', url: fixed.url, secret: SECRET }]),
    },
  )
}, TEST_TIMEOUT_MS)

afterAll(async () => {
  await agents[Symbol.asyncDispose]()
  await hook[Symbol.asyncDispose]()
  await fixed[Symbol.asyncDispose]()
})

interface Row {
  readonly id: string
  readonly name: string
  readonly status: string
}

const at = (path: string, method: 'GET' | 'POST' = 'GET', body?: object): Promise<Row> =>
  restData<Row>(agents.server.url, { path: `/api/agents${path}`, method, ...(body && { body }) })

/** Resolves when some process works for the agent. */
const opened = (agentId: string, times = 1): Promise<unknown> =>
  eventually(() => agents.lines({ msg: 'inbox opened', agentId }).length >= times, {
    what: `the inbox of ${agentId}, ${times} times`,
  })

/** What an agent said in a channel, once it has said so much. */
async function answers(
  channelId: string,
  agentId: string,
  count: number,
): Promise<readonly Listed[]> {
  let said: readonly Listed[] = []
  return eventually(
    async () => {
      said = (await agents.said(channelId)).filter(({ authorId }) => authorId === agentId)
      return said.length >= count && said
    },
    {
      what: `${count} answers of ${agentId}`,
      explain: () => JSON.stringify(said),
      timeoutMs: 30_000,
    },
  )
}

/** The texts of the messages about which the agent was called. */
const toldOf = () => hook.calls.flatMap(({ event: { data } }) => data.message?.text ?? [])

const authorsOf = (said: readonly Listed[]) => new Set(said.map(({ authorId }) => authorId))

const textsOf = (said: readonly Listed[]) => said.map(({ content }) => content)

it('an agent of the settings answers beside the modules, and survives a stop of its host', async () => {
  const id = agentIdOf('Fixed')
  await opened(id)
  const channelId = await agents.channel('GROUP', ['ann', id, agents.agent('echo')])
  await agents.post(channelId, 'ann', 'hello')
  expect(textsOf(await answers(channelId, id, 1))).toContain('fixed')
  const { agents: rows } = await restData<{ readonly agents: readonly Row[] }>(agents.server.url, {
    path: '/api/agents',
  })
  expect(rows.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'Echo active',
    'Fixed active',
  ])
})

it(
  'an agent that is added over REST answers, is stopped and started, survives its host, and is deleted',
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    hook.answer = (response, call) => {
      const { message } = call.event.data
      const [start, rest] = [{ text: 'you said ' }, { text: message?.text }]
      const say = events(event('chunk', start), event('chunk', rest), event('done', {}))
      const answer = message === undefined ? json(null, 204) : say
      answer(response, call)
    }
    const { id, status } = await at('', 'POST', { name: 'Hook', url: hook.url, secret: SECRET })
    expect(status).toBe('active')
    await opened(id)
    const channelId = await agents.channel('GROUP', ['ben', id])
    const ben = await agents.joined('ben', channelId)
    const first = await ben.send(channelId, 'one')
    await ben.saw('messageComplete', { messageId: first['messageId'] })
    const [answer] = await answers(channelId, id, 1)
    expect(answer).toMatchObject({
      content: 'you said one',
      inReplyToRootMessageId: first['messageId'],
    })

    // Stopped: silent, and nobody waits for it.
    expect((await at(`/${id}/stop`, 'POST')).status).toBe('inactive')
    const told = toldOf()
    const second = await ben.send(channelId, 'two')
    await ben.saw('messageComplete', { messageId: second['messageId'] })
    // It stays stopped in the next life of the hosts.
    const pids = await agents.server.pids('agent-host')
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    const during = await restUntilAnswered(agents.server.url, { path: `/api/agents/${id}` })
    expect(during).toMatchObject({ status: 200 })
    // What is known of modules does not go with the processes that run them.
    expect(await at(`/${agents.agent('echo')}`)).toMatchObject({ name: 'Echo', status: 'active' })
    await agents.server.healed(pids)
    expect((await at(`/${id}`)).status).toBe('inactive')

    // Started again: what was said meanwhile is not answered.
    expect((await at(`/${id}/start`, 'POST')).status).toBe('active')
    await opened(id, 2)
    await ben.send(channelId, 'three')
    expect(textsOf(await answers(channelId, id, 2))).toEqual(['you said one', 'you said three'])
    expect(toldOf()).toEqual([...told, 'three'])

    // Killed between call and answer: called again with the same id, and answered once.
    const held = hook.calls.length
    const answerNow = hook.answer
    hook.answer = () => undefined
    await ben.send(channelId, 'four')
    await eventually(() => hook.calls.length > held, { what: 'the call' })
    const hosts = await agents.server.pids('agent-host')
    for (const pid of hosts) process.kill(pid, 'SIGKILL')
    hook.answer = answerNow
    await agents.server.healed(hosts)
    expect(textsOf(await answers(channelId, id, 3)).at(-1)).toBe('you said four')
    const again = hook.calls.filter(({ event: { data } }) => data.message?.text === 'four')
    expect(again).toHaveLength(2)
    expect(new Set(again.map(({ headers }) => headers['webhook-id'])).size).toBe(1)

    // Deleted: nobody calls it, and who is left is not waited for.
    const deleted = await restUntilAnswered(agents.server.url, {
      path: `/api/agents/${id}`,
      method: 'DELETE',
    })
    expect(deleted.status).toBe(204)
    const last = await ben.send(channelId, 'five')
    await ben.saw('messageComplete', { messageId: last['messageId'] })
    await ben.roundTrip()
    const completed = ben.all('messageComplete').map(({ messageId }) => messageId)
    expect(new Set(completed).size).toBe(completed.length)
    expect(textsOf(await answers(channelId, id, 3))).toHaveLength(3)
    expect((await restUntilAnswered(agents.server.url, { path: `/api/agents/${id}` })).status).toBe(
      404,
    )
  },
)

it(
  'agents of all kinds fall silent among themselves, one from elsewhere that answers everything and counts nothing, too',
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    const fixedId = agentIdOf('Fixed')
    const outside = 'from-elsewhere'
    const channelId = await agents.channel('GROUP', ['cat', fixedId, agents.agent('echo')])
    const cat = await agents.joined('cat', channelId)
    const outsider = await agents.joined(outside, channelId)
    const submitted: Promise<unknown>[] = []
    const answer = ({ id, senderId }: Payload): void => {
      if (senderId === outside) return
      const content = `from elsewhere about ${String(id)}`
      const body = {
        channel_id: channelId,
        message_server_id: DEFAULT_SERVER_ID,
        author_id: outside,
        content,
        source_type: 'agent_response',
        raw_message: { text: content },
      }
      const call = { method: 'POST', path: '/api/messaging/submit', body } as const
      submitted.push(restData(agents.server.url, call))
    }
    // What an agent says about the joins may have come already.
    for (const heard of outsider.all('messageBroadcast')) answer(heard)
    outsider.socket.on('messageBroadcast', answer)
    const joinedAt = Number(outsider.all('channel_joined')[0]?.['seq'])
    /** Once nobody has anything more to say: everything by others is answered from elsewhere, and complete. */
    const silence = async (): Promise<readonly Listed[]> =>
      eventually(
        async () => {
          await Promise.all(submitted)
          const said = await agents.said(channelId)
          const own = said.filter(({ authorId }) => authorId === outside)
          const heard = said.filter(({ seq, authorId }) => seq > joinedAt && authorId !== outside)
          if (submitted.length < heard.length || own.length < heard.length) return undefined
          const complete = new Set(cat.all('messageComplete').map(({ messageId }) => messageId))
          return said.every(({ id }) => complete.has(id)) && said
        },
        { what: 'silence', timeoutMs: 60_000 },
      )
    await cat.send(channelId, 'talk')
    const first = await silence()
    expect(authorsOf(first)).toEqual(new Set(['cat', outside, fixedId, agents.agent('echo')]))
    expect(
      agents.lines({ msg: 'agent stays silent: too many turns of agents', channelId }),
    ).not.toEqual([])
    // A word of a person, and they talk again.
    await cat.send(channelId, 'again')
    const second = (await silence()).slice(first.length)
    expect(authorsOf(second)).toEqual(authorsOf(first))
  },
)
