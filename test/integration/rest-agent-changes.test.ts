import { expect, it } from 'vitest'
import type { Settings } from '../../src/config/settings.ts'
import { HTTP_AGENT_FIELDS } from '../../src/protocol/http-agent.ts'
import { agentIdOf } from '../../src/service/agent-id.ts'
import { newId } from '../../src/util/new-id.ts'
import { giveUp } from './support/give-up.ts'
import { startRest } from './support/rest-server.ts'
import type { Answer, RestServer } from './support/rest-server.ts'

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const URL = 'https://agents.example/hook'
const MODULE = { id: 'module-id', name: 'Module' }
const FIXED = { name: 'Fixed', url: 'http://127.0.0.1:1/', secret: SECRET, bio: 'Of the settings.' }

/** With a module and an agent of the settings. */
async function withAgents(settings: Partial<Settings> = {}): Promise<RestServer> {
  const server = await startRest({ settings: { agents: [FIXED], ...settings } })
  server.cluster.workers = async () => [
    { name: 'module', file: 'module.js', agent: MODULE, handlers: ['message'] },
    { name: 'draft', file: 'draft.js', agent: null, handlers: [], problem: 'there is no handler' },
  ]
  return server
}

const add = (server: RestServer, body: object = {}): Promise<Answer> =>
  server.call('POST', '/api/agents', { name: 'Hook', url: URL, ...body })

/** Names and states, as everybody sees them. */
async function listed(server: RestServer): Promise<readonly string[]> {
  const { body } = await server.call('GET', '/api/agents')
  const rows: readonly { name: string; status: string }[] = body.data.agents
  return rows.map(({ name, status }) => `${name} ${status}`)
}

const codeOf = ({ status, body }: Answer) => [status, body.error.code]

it('an agent that is called over HTTP is added with a secret of its own, shown once', async () => {
  await using server = await withAgents()
  const { status, body } = await add(server, { bio: 'Far away.' })
  const row = {
    id: agentIdOf('Hook'),
    name: 'Hook',
    characterName: 'Hook',
    bio: 'Far away.',
    status: 'active',
    url: URL,
  }
  expect([status, body]).toEqual([
    201,
    { success: true, data: { ...row, secret: expect.any(String) } },
  ])
  const { secret } = body.data
  expect(HTTP_AGENT_FIELDS.secret.safeParse(secret).success).toBe(true)
  expect(await server.log.agents()).toMatchObject([
    { id: row.id, definition: { secret, url: URL } },
  ])
  const one = await server.call('GET', `/api/agents/${row.id}`)
  expect(one.body).toEqual({ success: true, data: row })
  const all = await server.call('GET', '/api/agents')
  expect(JSON.stringify(all.body)).not.toContain('whsec_')
  expect(await listed(server)).toEqual(['Fixed active', 'Hook active', 'Module active'])
  // A secret that was given is not shown at all, and ids are taken as they are.
  const given = await add(server, { id: 'ABCDEFAB-0000-4000-8000-000000000001', secret: SECRET })
  expect(given.body.data).toEqual({ ...row, id: 'abcdefab-0000-4000-8000-000000000001', bio: '' })
})

it('an agent whose id another one has is not added', async () => {
  await using server = await withAgents()
  await add(server)
  expect(codeOf(await add(server))).toEqual([409, 'AGENT_EXISTS'])
  expect(codeOf(await add(server, { id: MODULE.id }))).toEqual([409, 'AGENT_EXISTS'])
  expect(codeOf(await add(server, { name: FIXED.name }))).toEqual([409, 'AGENT_EXISTS'])
})

it.each([
  [{ name: '' }, 'name'],
  [{ url: undefined }, 'url'],
  [{ url: 'ftp://a.example' }, 'url: must be an http or https URL'],
  [{ url: 'https://me:pass@a.example' }, 'url: must not have a user name or password in it'],
  [{ url: 'https://a.example/#x' }, 'url: must not have a fragment'],
  [{ secret: 'whsec_YWJj' }, 'secret: must be whsec_'],
  [{ id: '..' }, 'id: must be'],
  [{ url: 'http://a.example' }, 'url: must be an https URL'],
  [{ url: 'https://169.254.169.254/' }, 'url: 169.254.169.254 is not a public address'],
  [{ url: 'https://[::ffff:10.0.0.1]/' }, 'is not a public address'],
  [{ url: 'https://2130706433/' }, 'url: 127.0.0.1 is not a public address'],
])('an agent of %j is refused', async (wrong, words) => {
  await using server = await withAgents()
  const refused = await add(server, wrong)
  expect(codeOf(refused)).toEqual([400, 'INVALID_PAYLOAD'])
  const { message, details = '' } = refused.body.error
  expect(`${message} ${details}`).toContain(words)
  expect(await server.log.agents()).toEqual([])
})

it('an agent may be where the settings allow it, also without TLS', async () => {
  const webhookAllow = ['10.0.0.0/8', 'agents.internal']
  await using server = await withAgents({ webhookAllow })
  for (const url of ['http://10.1.2.3/', 'http://agents.internal/x', 'http://resolves.later/']) {
    expect((await add(server, { name: url, url })).status).toBe(201)
  }
  expect(codeOf(await add(server, { url: 'http://192.168.0.1/' }))).toEqual([
    400,
    'INVALID_PAYLOAD',
  ])
})

it('an agent that was added is changed in part, keeps its id, and goes with what it gave up', async () => {
  await using server = await withAgents()
  const { body } = await add(server, { bio: 'One.' })
  const { id } = body.data
  const path = `/api/agents/${id}`
  const changed = await server.call('PATCH', path, { name: 'Renamed', secret: SECRET })
  expect(changed).toMatchObject({
    status: 200,
    body: { data: { id, name: 'Renamed', bio: 'One.' } },
  })
  expect(JSON.stringify(changed.body)).not.toContain('whsec_')
  const [stored] = await server.log.agents()
  expect(stored?.definition).toEqual({ name: 'Renamed', url: URL, secret: SECRET, bio: 'One.' })
  for (const wrong of [{}, { url: 'https://127.0.0.1/' }, { name: 3 }]) {
    expect(codeOf(await server.call('PATCH', path, wrong))).toEqual([400, 'INVALID_PAYLOAD'])
  }
  const messageId = await failedMessage(server, id)
  const failures = await server.call('GET', `${path}/failures`)
  expect(failures.body.data.failures).toMatchObject([{ messageId, reason: 'answered 500' }])
  const retried = await server.call('POST', `${path}/failures/${messageId}/retry`)
  expect(retried).toMatchObject({ status: 202, body: { data: { messageId, isRetrying: true } } })
  expect((await server.call('DELETE', path)).status).toBe(204)
  expect(await server.log.failures(id, { limit: 9 })).toEqual([])
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const absent = await server.call(method, path, method === 'PATCH' ? { bio: 'x' } : undefined)
    expect([method, ...codeOf(absent)]).toEqual([method, 404, 'NOT_FOUND'])
  }
  expect(codeOf(await server.call('GET', `${path}/failures`))).toEqual([404, 'NOT_FOUND'])
})

/** In a channel of the agent's. */
async function failedMessage(server: RestServer, agentId: string): Promise<string> {
  const { log } = server
  const { body } = await server.call('POST', '/api/messaging/channels', {
    name: 'Room',
    message_server_id: '00000000-0000-0000-0000-000000000000',
    participantCentralUserIds: ['alice', agentId],
  })
  const messageId = newId()
  const message = { id: messageId, channelId: body.data.id, authorId: 'alice' }
  await log.append({
    type: 'post',
    id: messageId,
    message: { ...message, body: { text: 'hi', source: 'test' } },
  })
  await giveUp(log, { agentId, messageId, reason: 'answered 500' })
  return messageId
}

it('modules and agents of the settings are changed where they are, and refused with that', async () => {
  await using server = await withAgents()
  for (const [agentId, words] of [
    [MODULE.id, 'is a module'],
    [agentIdOf(FIXED.name), 'is one of PARLEY_AGENTS'],
  ] as const) {
    for (const method of ['PATCH', 'DELETE']) {
      const refused = await server.call(method, `/api/agents/${agentId}`, { name: 'Mine' })
      expect(codeOf(refused)).toEqual([409, 'AGENT_PROTECTED'])
      expect(refused.body.error.message).toContain(words)
    }
  }
})

it('a stopped module that is gone is in no list, and does not count once it is deleted', async () => {
  await using server = await withAgents()
  const path = `/api/agents/${MODULE.id}`
  await server.call('POST', `${path}/stop`)
  expect(codeOf(await server.call('DELETE', path))).toEqual([409, 'AGENT_PROTECTED'])
  server.cluster.workers = async () => []
  expect((await server.call('GET', path)).status).toBe(404)
  expect((await server.call('DELETE', path)).status).toBe(204)
  expect(await server.log.agents()).toEqual([])
  expect(codeOf(await server.call('DELETE', path))).toEqual([404, 'NOT_FOUND'])
})

it('an agent of any kind is stopped and started, and the log knows', async () => {
  await using server = await withAgents()
  const { body } = await add(server)
  const ids = [MODULE.id, agentIdOf(FIXED.name), body.data.id]
  for (const [state, status] of [
    ['stop', 'inactive'],
    ['stop', 'inactive'],
    ['start', 'active'],
    ['start', 'active'],
  ]) {
    for (const id of ids) {
      const answer = await server.call('POST', `/api/agents/${id}/${state}`)
      expect(answer).toMatchObject({ status: 200, body: { success: true, data: { id, status } } })
    }
    expect(await listed(server)).toEqual(
      ['Fixed', 'Hook', 'Module'].map((name) => `${name} ${status}`),
    )
    const stopped = (await server.log.agents()).filter(({ isStopped }) => isStopped)
    expect(stopped).toHaveLength(status === 'inactive' ? 3 : 0)
  }
  for (const state of ['start', 'stop']) {
    expect(codeOf(await server.call('POST', `/api/agents/nobody/${state}`))).toEqual([
      404,
      'NOT_FOUND',
    ])
    expect(codeOf(await server.call('POST', `/api/agents/%20/${state}`))).toEqual([
      400,
      'INVALID_ID',
    ])
  }
})
