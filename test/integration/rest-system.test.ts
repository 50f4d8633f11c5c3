import { describe, expect, it } from 'vitest'
import { ChannelError, ERRORS } from '../../src/protocol/errors.ts'
import { startRest } from './support/rest-server.ts'

describe('readiness', () => {
  it('lists what is wrong, and says 503 only when it prevents traffic', async () => {
    await using server = await startRest()
    const problems = ['agent host is restarting']
    server.cluster.ready = { isReady: true, problems }
    const well = await server.call('GET', '/readyz')
    expect(well).toMatchObject({ status: 200, body: { status: 'ready', problems } })
    server.cluster.ready = { isReady: false, problems: ['writer is down'] }
    const down = await server.call('GET', '/readyz')
    expect(down).toMatchObject({
      status: 503,
      body: { status: 'unavailable', problems: ['writer is down'] },
    })
  })

  it('is 503 when the primary does not answer', async () => {
    await using server = await startRest()
    server.cluster.readiness = () => Promise.reject(new Error('IPC closed'))
    const { status, body } = await server.call('GET', '/readyz')
    expect(status).toBe(503)
    expect(JSON.stringify(body)).not.toContain('IPC')
  })
})

it('health is 200 without agents and with them', async () => {
  await using server = await startRest()
  const paths = ['/health', '/api/server/health']
  for (const path of paths) {
    const { status, body } = await server.call('GET', path)
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'OK', dependencies: { agents: 'no_agents' } })
  }
  await server.call('POST', '/api/messaging/servers/00000000-0000-0000-0000-000000000000/agents', {
    agentId: 'helper',
  })
  for (const path of paths) {
    const { body } = await server.call('GET', path)
    expect(body).toMatchObject({ dependencies: { agents: 'healthy' } })
  }
  const { body } = await server.call('GET', '/api/server/status')
  expect(body).toMatchObject({ status: 'ok', agentCount: 1 })
})

it('the cluster shows its processes', async () => {
  await using server = await startRest()
  const { body } = await server.call('GET', '/api/server/cluster')
  expect(body).toEqual({
    success: true,
    data: { processes: [{ role: 'gateway', pid: 1, uptimeMs: 2, connections: 3 }] },
  })
})

const overloaded = () => Promise.reject(new ChannelError('OVERLOADED'))

it('says, as its description does, that it is overloaded when the primary does not answer in time', async () => {
  await using server = await startRest()
  Object.assign(server.cluster, { processes: overloaded, logs: overloaded, clearLogs: overloaded })
  const { body: described } = await server.call('GET', '/openapi.json')
  const calls = ['GET /api/server/cluster', 'GET /api/server/logs', 'POST /api/server/logs']
  for (const call of [...calls, 'DELETE /api/server/logs']) {
    const [method = '', path = ''] = call.split(' ')
    const { status, body } = await server.call(method, path)
    expect([call, status]).toEqual([call, 503])
    expect(body.error.message).toBe(ERRORS.OVERLOADED.message)
    expect(described.paths[path][method.toLowerCase()].responses['503'].description).toBe(
      '`OVERLOADED`',
    )
  }
})

describe('the log', () => {
  const now = Date.now()
  const lines = [
    { level: 50, time: now - 7_200_000, msg: 'old' },
    { level: 20, time: now - 3, msg: 'debug' },
    { level: 30, time: now - 2, msg: 'info', agentName: 'Helper' },
    { level: 50, time: now - 1, msg: 'error', agentId: 'a1' },
  ]

  it.each([
    ['', ['debug', 'info', 'error']],
    ['level=all', ['debug', 'info', 'error']],
    ['level=info', ['info', 'error']],
    ['level=error', ['error']],
    ['since=0', ['old', 'debug', 'info', 'error']],
    ['limit=2', ['info', 'error']],
    ['limit=0', []],
    ['agentName=Helper', ['info']],
    ['agentId=a1', ['error']],
  ])('filtered by %j holds %j', async (query, expected) => {
    await using server = await startRest()
    server.cluster.lines = lines
    for (const method of ['GET', 'POST']) {
      const { body } = await server.call(method, `/api/server/logs?${query}`)
      expect(body.logs.map(({ msg }: { msg: string }) => msg)).toEqual(expected)
      expect(body).toMatchObject({ count: expected.length, total: 4 })
    }
  })

  it.each(['level=loud', 'limit=-1', 'since=yesterday'])('refuses %s', async (query) => {
    await using server = await startRest()
    expect((await server.call('GET', `/api/server/logs?${query}`)).status).toBe(400)
  })

  it('can be cleared', async () => {
    await using server = await startRest()
    server.cluster.lines = lines
    const { body } = await server.call('DELETE', '/api/server/logs')
    expect(body).toEqual({ status: 'success', message: 'Logs cleared successfully' })
    expect((await server.call('GET', '/api/server/logs?since=0')).body.logs).toEqual([])
  })
})
