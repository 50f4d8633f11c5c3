import { rename } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Connection } from './support/connection.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { KeepAliveLoad } from './support/keep-alive-load.ts'
import { openRun, RESUME_ANY_GAP } from './support/run.ts'
import type { Run } from './support/run.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { SteadyLoad } from './support/steady-load.ts'

const REPLACED = 'gateways and agent hosts replaced'
const GATEWAYS = 3

let server: TestServer

beforeEach(async () => {
  const settings = { PARLEY_GATEWAYS: String(GATEWAYS), PARLEY_DRAIN_MS: '3000' }
  server = await startServer({ ...settings, ...RESUME_ANY_GAP })
})
afterEach(() => server[Symbol.asyncDispose]())

/** Clients that send nothing until a load drives them. */
function openQuietRun(name: string): Promise<Run> {
  return openRun(server.url, {
    name,
    clientCount: 16,
    channelCount: 3,
    load: { messagesPerSender: 0, windowSize: 1 },
  })
}

function openRestLoad(name: string, channels: readonly string[]): KeepAliveLoad {
  return new KeepAliveLoad({
    url: server.url,
    name,
    channels,
    connections: 40,
    maxPauseMs: 1_000,
  })
}

function count(message: string): number {
  return server.lines.filter(({ msg }) => msg === message).length
}

async function replacedTimes(times: number): Promise<void> {
  await eventually(() => count(REPLACED) >= times, {
    what: `${times} replacements`,
    timeoutMs: 60_000,
  })
}

async function servingPids(): Promise<readonly number[]> {
  const processes = await server.processes()
  return processes
    .filter(({ role }) => role === 'gateway' || role === 'agent-host')
    .map(({ pid }) => pid)
}

describe('SIGUSR2 under load', { timeout: TEST_TIMEOUT_MS }, () => {
  it('fails no request, loses and doubles no message, and moves every client once', async () => {
    const old = await servingPids()
    await using run = await openQuietRun('moved')
    const gatewaysBefore = new Set(run.clients.map(({ gatewayId }) => gatewayId))
    const calls = openRestLoad('moved', run.channels)
    using sends = new SteadyLoad(run.clients, { windowSize: 4, everyMs: 200 })
    await sends.more(300)
    process.kill(server.pid, 'SIGUSR2')
    await replacedTimes(1)
    await sends.more(300)
    await sends.finish()
    await calls.finish()
    const after = await server.healed(old)
    const { violations, evidence } = await run.judge(server, calls.journals)

    expect(calls.failures).toEqual([])
    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0, disconnects: run.clients.length })
    const stayed = run.clients.filter(({ gatewayId }) => gatewaysBefore.has(gatewayId))
    expect(stayed.map(({ name }) => name)).toEqual([])
    expect(calls.answeredCount).toBeGreaterThan(200)
    expect(after.filter(({ role }) => role === 'gateway')).toHaveLength(GATEWAYS)
  })

  it('opens sessions on other gateways that come over connections to one that leaves', async () => {
    const connections = Array.from({ length: 16 }, () => new Connection(server.url))
    const sessions = await Promise.all(connections.map((one) => one.openSession()))
    const old = new Set(sessions.map(({ gateway }) => gateway))
    const pollers = connections.slice(0, 8)
    const others = connections.slice(8)
    const polls: Promise<{ readonly body: string }>[] = []
    for (const [index, poller] of pollers.entries()) {
      const { path: sessionPath = '' } = sessions[index] ?? {}
      await poller.send('POST', sessionPath, '40')
      await poller.get(sessionPath)
      polls.push(poller.get(sessionPath))
    }
    process.kill(server.pid, 'SIGUSR2')
    // The packet that closes a session: all gateways, each of which has one, let their clients go.
    for (const { body } of await Promise.all(polls)) expect(body).toBe('1')
    const again = await Promise.all(others.map((one) => one.openSession()))
    expect(again.filter(({ gateway }) => old.has(gateway))).toEqual([])
    // Over the connections that were there: the last that they brought.
    expect(others.map(({ sockets }) => sockets.size)).not.toContain(2)
    for (const connection of connections) connection[Symbol.dispose]()
  })

  it('answers any number of signals during a reload with one more reload', async () => {
    await using run = await openQuietRun('hammered')
    const calls = openRestLoad('hammered', run.channels)
    using sends = new SteadyLoad(run.clients, { windowSize: 4, everyMs: 200 })
    await sends.more(100)
    process.kill(server.pid, 'SIGUSR2')
    await server.process.logged('replacing gateways and agent hosts')
    for (let repeat = 0; repeat < 5; repeat += 1) process.kill(server.pid, 'SIGUSR2')
    await replacedTimes(2)
    await sends.finish()
    await calls.finish()
    const { violations, evidence } = await run.judge(server, calls.journals)

    expect(calls.failures).toEqual([])
    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
    expect(count(REPLACED)).toBe(2)
    await server.healed()
  })

  it('keeps the old gateways when a replacement cannot start, and replaces them once it can', async () => {
    const old = await servingPids()
    await using run = await openQuietRun('kept')
    using sends = new SteadyLoad(run.clients, { windowSize: 4, everyMs: 200 })
    // Without the directory a new gateway has no place for its private socket; and sessions that poll
    // by way of another gateway are not found, so they do not count here.
    const sockets = path.join(server.dataDir, 'sockets')
    await rename(sockets, `${sockets}-away`)
    process.kill(server.pid, 'SIGUSR2')
    await server.process.logged('replacement did not start, the old stays')
    await sends.more(200)
    expect(await servingPids()).toEqual(old)
    const onWebSocket = run.clients.filter(({ transport }) => transport === 'websocket')
    expect(onWebSocket.map(({ journal }) => journal.count('disconnected'))).not.toContain(1)
    await rename(`${sockets}-away`, sockets)
    process.kill(server.pid, 'SIGUSR2')
    await replacedTimes(1)
    await sends.finish()
    const { violations, evidence } = await run.judge(server)

    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
    await server.healed(old)
  })

  it('followed by SIGTERM stops the server, without losing what is under way', async () => {
    await using run = await openQuietRun('stopped')
    using sends = new SteadyLoad(run.clients, { windowSize: 4, everyMs: 200 })
    await sends.more(100)
    const pids = new Set((await server.processes()).map(({ pid }) => pid))
    process.kill(server.pid, 'SIGUSR2')
    await server.process.logged('replacing gateways and agent hosts')
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    const { dataDir, port } = server
    server = await startServer(
      { PARLEY_GATEWAYS: String(GATEWAYS), PARLEY_PORT: String(port), ...RESUME_ANY_GAP },
      { dataDir },
    )
    await sends.finish()
    const { violations, evidence } = await run.judge(server)

    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
    expect((await server.processes()).some(({ pid }) => pids.has(pid))).toBe(false)
  })
})
