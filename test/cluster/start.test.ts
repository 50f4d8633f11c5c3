import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { ServerProcess, startServer } from './support/server.ts'

describe('a start', () => {
  it('serves on one port with every process it was asked for, and says where', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '3', PARLEY_AGENT_HOSTS: '2' })
    const roles = (await server.processes()).map(({ role }) => role)
    expect(roles).toEqual([
      'primary',
      'writer',
      'gateway',
      'gateway',
      'gateway',
      'agent-host',
      'agent-host',
    ])
    const ready = await fetch(`${server.url}/readyz`)
    expect(ready.status).toBe(200)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })

  it('makes the data directory, for this user only', async () => {
    const parent = await mkdtemp(path.join(tmpdir(), 'parley-test-'))
    const dataDir = path.join(parent, 'new', 'data')
    await using server = await startServer({ PARLEY_GATEWAYS: '1' }, { dataDir })
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    expect((await stat(path.join(dataDir, 'sockets'))).mode & 0o777).toBe(0o700)
    await server.stop()
    await rm(parent, { recursive: true })
  })

  it('works in a directory whose path is too long for a socket', async () => {
    const parent = await mkdtemp(path.join(tmpdir(), 'parley-test-'))
    const dataDir = path.join(parent, 'd'.repeat(120))
    await using server = await startServer({ PARLEY_GATEWAYS: '2' }, { dataDir })
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    await server.stop()
    await rm(parent, { recursive: true })
  })

  it('names every bad setting and exits 1, without a secret', async () => {
    const server = new ServerProcess({
      PARLEY_PORT: 'many',
      PARLEY_GATEWAYS: '0',
      PARLEY_JWT_SECRET: 'hunter2-hunter2',
      PARLEY_GATEWAYZ: '1',
    })
    expect(await server.exited).toEqual({ code: 1, signal: null })
    for (const name of ['PORT', 'GATEWAYS', 'JWT_SECRET', 'GATEWAYZ']) {
      expect(server.stderr).toContain(`PARLEY_${name}`)
    }
    expect(server.stderr).not.toContain('hunter2')
  })

  it('names the role that could not start and its reason, and exits 1', async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'parley-test-'))
    await writeFile(path.join(dataDir, 'parley.db'), 'this is no database at all, but a letter\n')
    const server = new ServerProcess({ PARLEY_GATEWAYS: '1', PARLEY_DATA_DIR: dataDir })
    expect(await server.exited).toEqual({ code: 1, signal: null })
    expect(server.stderr).toMatch(/cannot start: writer: .*database/)
    await rm(dataDir, { recursive: true })
  })

  it('tells the process manager that opened a channel when it is ready', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '1' }, { withChannel: true })
    expect(await server.process.firstMessage).toBe('ready')
  })

  it('refuses pm2’s cluster mode and says what to change', async () => {
    const server = new ServerProcess({ pm_id: '0', exec_mode: 'cluster_mode' })
    expect(await server.exited).toEqual({ code: 1, signal: null })
    expect(server.stderr).toContain("exec_mode: 'fork'")
  })

  it('answers a request that offers another protocol as if it had not', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '1' })
    const socket = connect(server.port, '127.0.0.1')
    socket.write(
      'GET /api/server/ping HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
    )
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).toContain('"pong":true')
  })

  it('refuses a port that another program has, in one line', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve)
    })
    const { port } = other.address() as AddressInfo
    const dataDir = await mkdtemp(path.join(tmpdir(), 'parley-port-'))
    const server = new ServerProcess({ PARLEY_PORT: String(port), PARLEY_DATA_DIR: dataDir })
    expect(await server.exited).toEqual({ code: 1, signal: null })
    expect(server.stderr.trim().split('\n')).toHaveLength(1)
    expect(server.stderr).toContain(`port ${port} of 127.0.0.1 is in use`)
    other.close()
    await rm(dataDir, { recursive: true })
  })

  it.each([
    { what: 'HTTP that is none', sent: 'NONSENSE\r\n\r\n', body: '' },
    {
      what: 'a body behind an offer of another protocol',
      sent: 'POST /api/messaging/channels HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}',
      body: '',
    },
    {
      what: 'a Host that is none',
      sent: 'GET /healthz HTTP/1.1\r\nHost: no host\r\nConnection: close\r\n\r\n',
      body: 'The Host or the URL of the request cannot be read.',
    },
  ])('answers $what with 400 and goes on', async ({ sent, body }) => {
    await using server = await startServer({ PARLEY_GATEWAYS: '1' })
    const socket = connect(server.port, '127.0.0.1')
    socket.end(sent)
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain(body)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })
})
