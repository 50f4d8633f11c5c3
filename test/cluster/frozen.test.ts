import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { TEST_TIMEOUT_MS, within } from './support/deadline.ts'
import { openRun, RESUME_ANY_GAP } from './support/run.ts'
import type { Run } from './support/run.ts'
import { isAlive, startServer } from './support/server.ts'
import type { Role, TestServer } from './support/server.ts'
import { SteadyLoad } from './support/steady-load.ts'

/**
 * Longer than the silence after which a process counts as stuck (10 s, looked at every 2 s).
 * `TEST_SUSPENSION_MS=31000` also outlasts the time-outs of sends (20 s) and of pongs (20 s).
 */
const SUSPENSION_MS = Number(process.env['TEST_SUSPENSION_MS'] ?? 15_000)
const STUCK = 'process is stuck, killing it'

const SETTINGS = { PARLEY_GATEWAYS: '2', ...RESUME_ANY_GAP }

async function openQuietRun(server: TestServer, name: string): Promise<Run> {
  const run = await openRun(server.url, {
    name,
    clientCount: 8,
    channelCount: 2,
    transports: ['websocket', 'upgrade'],
    load: { messagesPerSender: 0, windowSize: 1 },
  })
  await Promise.all(run.clients.map((client) => client.onWebSocket()))
  return run
}

/** The entity's lost connections, by the gateway that it was on before. */
function lostOn(run: Run, gatewayId: string): number {
  const lost = run.clients.filter(({ journal }) => journal.count('disconnected') > 0)
  return lost.filter(({ journal }) => journal.all('connected')[0]?.gatewayId === gatewayId).length
}

function stop(pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
}

function goOn(pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, 'SIGCONT')
}

async function pidsOf(server: TestServer): Promise<number[]> {
  return (await server.processes()).map(({ pid }) => pid)
}

/** A process is never asked for its end by hand here: the server must see by itself that it is stuck. */
async function replacedFrozen(server: TestServer, role: Role): Promise<void> {
  const pid = await server.kill(role, 'SIGSTOP')
  const logged = await within(server.process.logged(STUCK), () => `the end of the frozen ${role}`)
  expect(logged).toMatchObject({ childRole: role, childPid: pid })
  await server.healed([pid])
  expect(isAlive(pid)).toBe(false)
}

// Each waits for real time to pass, in a server of its own.
describe.concurrent('SIGSTOP', { timeout: TEST_TIMEOUT_MS }, () => {
  it('of the writer is a pause: what waited is stored by the next one, once and in order', async () => {
    await using server = await startServer(SETTINGS)
    await using run = await openQuietRun(server, 'frozen-writer')
    using sends = new SteadyLoad(run.clients, { windowSize: 8, everyMs: 200 })
    await sends.more(100)
    await replacedFrozen(server, 'writer')
    await sends.more(100)
    await sends.finish()
    const { violations, evidence } = await run.judge(server)
    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ disconnects: 0, refused: 0, repeated: 0 })
  })

  it('of a gateway costs its clients a reconnect, and those of the others nothing', async () => {
    await using server = await startServer(SETTINGS)
    await using run = await openQuietRun(server, 'frozen-gateway')
    using sends = new SteadyLoad(run.clients, { windowSize: 8, everyMs: 200 })
    await sends.more(100)
    await replacedFrozen(server, 'gateway')
    await sends.more(100)
    await sends.finish()
    const { violations, evidence } = await run.judge(server)
    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
    const gateways = new Set(
      run.clients.map(({ journal }) => journal.all('connected')[0]?.gatewayId ?? ''),
    )
    const losses = [...gateways].map((gatewayId) => lostOn(run, gatewayId))
    expect(losses.filter((count) => count > 0)).toHaveLength(1)
  })

  it('of the agent host is noticed by nobody else', async () => {
    await using server = await startServer(SETTINGS)
    await using run = await openQuietRun(server, 'frozen-host')
    using sends = new SteadyLoad(run.clients, { windowSize: 8, everyMs: 200 })
    await sends.more(100)
    await replacedFrozen(server, 'agent-host')
    await sends.finish()
    const { violations, evidence } = await run.judge(server)
    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ disconnects: 0, refused: 0, repeated: 0 })
  })

  it('of the primary stops nobody who is connected, and nobody is killed for it afterwards', async () => {
    await using server = await startServer(SETTINGS)
    await using run = await openQuietRun(server, 'frozen-primary')
    using sends = new SteadyLoad(run.clients, { windowSize: 8, everyMs: 200 })
    const before = await pidsOf(server)
    await sends.more(100)
    stop([server.pid])
    await delay(SUSPENSION_MS / 2)
    await sends.more(200)
    await delay(SUSPENSION_MS / 2)
    goOn([server.pid])
    await sends.more(100)
    await sends.finish()
    const { violations, evidence } = await run.judge(server)
    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ disconnects: 0, refused: 0, repeated: 0 })
    expect(await pidsOf(server)).toEqual(before)
    expect(server.process.line(STUCK)).toBeUndefined()
  })

  it('of all processes, as when the machine is suspended, kills none of them', async () => {
    await using server = await startServer(SETTINGS)
    await using run = await openQuietRun(server, 'suspended')
    using sends = new SteadyLoad(run.clients, { windowSize: 8, everyMs: 200 })
    const before = await pidsOf(server)
    await sends.more(100)
    stop(before)
    await delay(SUSPENSION_MS)
    // The primary first: it looks at the others before they could have said anything.
    goOn(before.slice(0, 1))
    await delay(1_000)
    goOn(before.slice(1))
    await sends.more(100)
    await sends.finish()
    const { violations } = await run.judge(server)
    expect(violations).toEqual([])
    expect(await pidsOf(server)).toEqual(before)
    expect(server.process.line(STUCK)).toBeUndefined()
  })
})
