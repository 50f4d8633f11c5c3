import { expect, it } from 'vitest'
import { ChannelError } from '../../src/protocol/errors.ts'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import type { WorkerInfo } from '../../src/service/cluster.ts'
import { newId } from '../../src/util/new-id.ts'
import { giveUp } from './support/give-up.ts'
import { startRest } from './support/rest-server.ts'
import type { RestServer } from './support/rest-server.ts'

const FAILURES = '/api/workers/support/failures'

const WORKERS: readonly WorkerInfo[] = [
  {
    name: 'support',
    file: 'support.ts',
    agent: { id: 'helper', name: 'Support', bio: 'Knows the manual.' },
    handlers: ['message'],
  },
  { name: 'pages', file: 'pages.ts', agent: null, handlers: ['fetch'] },
  { name: 'draft', file: 'draft.ts', agent: null, handlers: [], problem: 'there is no handler' },
  {
    name: 'echo',
    file: 'echo.js',
    agent: { id: 'echo-id', name: 'Echo' },
    handlers: ['message'],
  },
]

/** With a room in which people and both agents take part. */
async function withWorkers(): Promise<RestServer> {
  const server = await startRest()
  server.cluster.workers = async () => WORKERS
  const participants = [
    { entityId: 'alice', isAgent: false },
    { entityId: 'helper', isAgent: true },
    { entityId: 'echo-id', isAgent: true },
  ]
  await server.log.append({
    type: 'create-channel',
    id: newId(),
    channel: {
      id: 'room',
      serverId: DEFAULT_SERVER_ID,
      name: 'Room',
      type: 'GROUP',
      metadata: {},
      participants,
    },
  })
  return server
}

/** Alice says something that the agent gives up. */
async function failedMessage({ log }: RestServer, agentId = 'helper') {
  const messageId = newId()
  const body = { text: 'hi', source: 'test' }
  const message = { id: messageId, channelId: 'room', authorId: 'alice', body }
  await log.append({ type: 'post', id: messageId, message })
  return { messageId, place: await giveUp(log, { agentId, messageId, reason: 'TypeError: no' }) }
}

async function listed(server: RestServer, query = ''): Promise<readonly string[]> {
  const { body } = await server.call('GET', FAILURES + query)
  return body.data.failures.map(({ messageId }: { readonly messageId: string }) => messageId)
}

/** What the agent's host would be handed out. */
async function toRetry({ log }: RestServer): Promise<readonly string[]> {
  const { items } = await log.retries({ agentId: 'helper', after: 0, limit: 100 })
  return items.map(({ message }) => message.id)
}

it('the agents that run are listed by name, in elizaOS’s shape, and read one by one', async () => {
  await using server = await withWorkers()
  const echo = { id: 'echo-id', name: 'Echo', characterName: 'Echo', bio: '', status: 'active' }
  const support = {
    id: 'helper',
    name: 'Support',
    characterName: 'Support',
    bio: 'Knows the manual.',
    status: 'active',
  }
  const { body } = await server.call('GET', '/api/agents')
  expect(body).toEqual({ success: true, data: { agents: [echo, support] } })
  const one = await server.call('GET', '/api/agents/helper')
  expect(one).toMatchObject({ status: 200, body: { success: true, data: support } })
  for (const absent of ['draft', 'support', 'nobody']) {
    const { status, body: refusal } = await server.call('GET', `/api/agents/${absent}`)
    expect([absent, status, refusal.error.code]).toEqual([absent, 404, 'NOT_FOUND'])
  }
})

it('a worker’s failures are listed with what happened, newest message first and page by page', async () => {
  await using server = await withWorkers()
  expect(await listed(server)).toEqual([])
  const failed = [
    await failedMessage(server),
    await failedMessage(server),
    await failedMessage(server),
  ]
  await failedMessage(server, 'echo-id')
  const [first, second, third] = failed
  const { status, body } = await server.call('GET', `${FAILURES}?limit=1`)
  expect(status).toBe(200)
  expect(body).toEqual({
    success: true,
    data: {
      failures: [
        {
          ...third,
          channelId: 'room',
          attempts: 3,
          reason: 'TypeError: no',
          failedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
          isRetrying: false,
        },
      ],
    },
  })
  expect(await listed(server)).toEqual([third, second, first].map((each) => each?.messageId))
  expect(await listed(server, `?limit=1&before=${third?.place}`)).toEqual([second?.messageId])
  expect(await listed(server, `?before=${first?.place}`)).toEqual([])
  expect(await listed(server, '?limit=0')).toEqual([])
  for (const query of ['limit=x', 'limit=-1', 'before=never']) {
    expect((await server.call('GET', `${FAILURES}?${query}`)).status).toBe(400)
  }
})

it('a page has 50 rows where nobody says how many, and never more than 500', async () => {
  await using server = await withWorkers()
  for (let count = 0; count < 501; count += 1) await failedMessage(server)
  expect(await listed(server)).toHaveLength(50)
  expect(await listed(server, '?limit=100000')).toHaveLength(500)
})

it('a retried failure is handed to the agent again, once, and stays listed until it is through', async () => {
  await using server = await withWorkers()
  const { messageId, place } = await failedMessage(server)
  const other = await failedMessage(server)
  expect(await toRetry(server)).toEqual([])
  for (const attempt of ['first', 'again']) {
    const { status, body } = await server.call('POST', `${FAILURES}/${messageId}/retry`)
    expect([attempt, status]).toEqual([attempt, 202])
    expect(body).toEqual({ success: true, data: { messageId, isRetrying: true } })
  }
  expect(await toRetry(server)).toEqual([messageId])
  const { body } = await server.call('GET', FAILURES)
  expect(body.data.failures).toMatchObject([
    { messageId: other.messageId, isRetrying: false },
    { messageId, isRetrying: true },
  ])
  const resolved = [place]
  const settle = { type: 'settle', id: newId(), agentId: 'helper', upTo: place, resolved } as const
  await server.log.append(settle)
  expect(await listed(server)).toEqual([other.messageId])
})

it('a discarded failure is gone, also while it waits to be tried again; its message is not', async () => {
  await using server = await withWorkers()
  const { messageId } = await failedMessage(server)
  await server.call('POST', `${FAILURES}/${messageId}/retry`)
  const { status, body } = await server.call('DELETE', `${FAILURES}/${messageId}`)
  expect([status, body]).toEqual([204, ''])
  expect(await listed(server)).toEqual([])
  expect(await toRetry(server)).toEqual([])
  expect((await server.call('GET', `/api/messaging/messages/${messageId}`)).status).toBe(200)
  expect((await server.call('DELETE', `${FAILURES}/${messageId}`)).status).toBe(404)
})

const commandsAt = ({ messageId }: { readonly messageId: string }, worker: string) => [
  `POST /api/workers/${worker}/failures/${messageId}/retry`,
  `DELETE /api/workers/${worker}/failures/${messageId}`,
]

it('where there is no such failure, worker or agent, 404 says which', async () => {
  await using server = await withWorkers()
  const anothers = await failedMessage(server, 'echo-id')
  const noFailure = { message: 'The agent has no such failure.', code: 404 }
  const noAgent = { message: 'No worker of this name is an agent.', code: 404 }
  const cases = [
    ...commandsAt(anothers, 'support').map((call) => [call, noFailure] as const),
    ...commandsAt({ messageId: newId() }, 'support').map((call) => [call, noFailure] as const),
    ...['pages', 'draft', 'nobody', '__proto__', 'Support', 'helper'].flatMap((worker) =>
      [`GET /api/workers/${worker}/failures`, ...commandsAt(anothers, worker)].map(
        (call) => [call, noAgent] as const,
      ),
    ),
  ]
  for (const [call, error] of cases) {
    const [method = '', path = ''] = call.split(' ')
    const { status, body } = await server.call(method, path)
    expect([call, status, body]).toEqual([call, 404, { success: false, error }])
  }
  expect(await server.log.failures('echo-id', { limit: 9 })).toMatchObject([
    { messageId: anothers.messageId, isRetrying: false },
  ])
})

it('says, as its description does, that it is overloaded when the primary does not answer in time', async () => {
  await using server = await withWorkers()
  server.cluster.workers = () => Promise.reject(new ChannelError('OVERLOADED'))
  const { body: described } = await server.call('GET', '/openapi.json')
  const routes = [
    'GET /api/workers',
    'GET /api/agents',
    'GET /api/agents/{agentId}',
    'GET /api/workers/{name}/failures',
    'POST /api/workers/{name}/failures/{messageId}/retry',
    'DELETE /api/workers/{name}/failures/{messageId}',
  ]
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ')
    const { status } = await server.call(method, path.replaceAll(/\{\w+\}/g, 'some'))
    const { responses } = described.paths[path][method.toLowerCase()]
    expect([route, status]).toEqual([route, 503])
    expect(responses['503'].description).toContain('`OVERLOADED`')
  }
})
