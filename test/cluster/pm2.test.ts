import { existsSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { findPm2, openPm2 } from './support/pm2.ts'
import type { Pm2 } from './support/pm2.ts'
import { openRun, RESUME_ANY_GAP } from './support/run.ts'
import type { Run } from './support/run.ts'
import { isAlive, processesAt } from './support/server.ts'

const executable = findPm2() ?? ''
if (executable === '') {
  process.stderr.write('pm2 is neither on the PATH nor named by TEST_PM2: its tests are skipped\n')
}

const SETTINGS = { PARLEY_GATEWAYS: '2', PARLEY_DRAIN_MS: '3000', ...RESUME_ANY_GAP }

function openLoad(pm2: Pm2, name: string): Promise<Run> {
  return openRun(pm2.url, {
    name,
    clientCount: 12,
    channelCount: 3,
    load: { messagesPerSender: 200, windowSize: 8 },
  })
}

/** The load's own verdict: nothing lost, doubled or out of order, everybody back without a gap. */
async function expectWhole(run: Run, pm2: Pm2): Promise<void> {
  const { violations, evidence } = await run.judge(pm2)
  expect(violations).toEqual([])
  expect(evidence).toMatchObject({ unrecovered: 0 })
  expect(evidence.acknowledged).toBe(run.load.total + run.channels.length)
  expect(evidence.disconnects).toBeGreaterThanOrEqual(run.clients.length)
}

describe.skipIf(executable === '')('under pm2', { timeout: TEST_TIMEOUT_MS }, () => {
  let pm2: Pm2

  beforeAll(async () => {
    pm2 = await openPm2(executable, SETTINGS)
    await pm2.run('start', 'ecosystem.config.cjs')
  }, TEST_TIMEOUT_MS)

  afterAll(async () => {
    await pm2[Symbol.asyncDispose]()
  }, TEST_TIMEOUT_MS)

  it('a start returns when the server is ready, as one process in fork mode', async () => {
    await using other = await openPm2(executable, SETTINGS)
    await other.run('start', 'ecosystem.config.cjs')
    expect((await fetch(`${other.url}/readyz`)).status).toBe(200)
    expect(await other.app()).toMatchObject({ status: 'online', mode: 'fork_mode', restarts: 0 })
    expect(await other.pids('primary')).toEqual([(await other.app()).pid])
    // The data is beside `.env`, wherever pm2 runs.
    expect(existsSync(path.join(other.folder, 'data', 'parley.db'))).toBe(true)
  })

  it('a stop waits for the drain, ends every process, and a start goes on', async () => {
    await using run = await openLoad(pm2, 'stopped')
    const pids = (await processesAt(pm2.url)).map(({ pid }) => pid)
    run.load.start()
    await run.load.reached(0.4)
    await pm2.run('stop', 'parley')
    expect(pids.filter(isAlive)).toEqual([])
    // The writer had its time: what is left is one file.
    expect(existsSync(path.join(pm2.dataDir, 'parley.db-wal'))).toBe(false)
    await pm2.run('start', 'parley')
    await expectWhole(run, pm2)
  })

  it('a restart loses nothing, and clients come back', async () => {
    await using run = await openLoad(pm2, 'restarted')
    const [primary = 0] = await pm2.pids('primary')
    run.load.start()
    await run.load.reached(0.4)
    await pm2.run('restart', 'parley')
    expect(await pm2.pids('primary')).not.toContain(primary)
    await expectWhole(run, pm2)
  })

  it('`sendSignal SIGUSR2` replaces every gateway, and neither the primary nor the writer', async () => {
    await using run = await openLoad(pm2, 'reloaded')
    const [primary, writer] = [await pm2.pids('primary'), await pm2.pids('writer')]
    const gateways = await pm2.pids('gateway')
    run.load.start()
    await run.load.reached(0.3)
    await pm2.run('sendSignal', 'SIGUSR2', 'parley')
    await eventually(() => !gateways.some(isAlive), { what: 'the end of the old gateways' })
    await expectWhole(run, pm2)
    await pm2.serves()
    expect(await pm2.pids('primary')).toEqual(primary)
    expect(await pm2.pids('writer')).toEqual(writer)
    expect(await pm2.pids('gateway')).toHaveLength(gateways.length)
  })

  it('a primary that is killed is started again', async () => {
    await using run = await openLoad(pm2, 'crashed')
    const [primary = 0] = await pm2.pids('primary')
    const { restarts } = await pm2.app()
    run.load.start()
    await run.load.reached(0.4)
    process.kill(primary, 'SIGKILL')
    await pm2.serves([primary])
    await expectWhole(run, pm2)
    expect(await pm2.app()).toMatchObject({ status: 'online', restarts: restarts + 1 })
  })

  it.each([
    { what: 'that is told to end', end: () => pm2.run('kill') },
    {
      what: 'that is killed',
      end: async () => {
        const daemon = await pm2.daemonPid()
        process.kill(daemon, 'SIGKILL')
      },
    },
  ])('a saved list brings the server back after a daemon $what', async ({ what, end }) => {
    await pm2.run('save')
    await using run = await openLoad(pm2, `saved ${what}`.replaceAll(' ', '-'))
    const pids = (await processesAt(pm2.url)).map(({ pid }) => pid)
    run.load.start()
    await run.load.reached(0.4)
    await end()
    await eventually(() => !pids.some(isAlive), { what: 'the end of the server with its daemon' })
    await pm2.run('resurrect')
    await pm2.serves(pids)
    await expectWhole(run, pm2)
  })
})

describe.skipIf(executable === '')('pm2', { timeout: TEST_TIMEOUT_MS }, () => {
  it('in cluster mode is refused with a message that says what to change', async () => {
    await using pm2 = await openPm2(executable)
    await pm2.run('start', 'dist/main.js', '-i', '2', '--name', 'parley', '--merge-logs')
    const said = await pm2.complained('parley')
    expect(said).toContain('parley cannot start: parley was started in cluster mode')
    expect(said).toContain("exec_mode: 'fork', instances: 1")
    expect(existsSync(pm2.dataDir)).toBe(false)
  })

  it('goes on trying a start that is refused, until the reason is gone', async () => {
    await using pm2 = await openPm2(executable, { PARLEY_GATEWAYS: 'many' })
    await pm2.run('start', 'ecosystem.config.cjs')
    expect(await pm2.complained('parley')).toContain('PARLEY_GATEWAYS="many"')
    await pm2.configure({ PARLEY_GATEWAYS: '1' })
    await pm2.serves()
    expect(await pm2.pids('gateway')).toHaveLength(1)
  })

  it('gives a stop the time of the drain that `.env` asks for', async () => {
    await using pm2 = await openPm2(executable, { PARLEY_DRAIN_MS: '20000', PARLEY_GATEWAYS: '1' })
    await pm2.run('start', 'ecosystem.config.cjs')
    const killTimeoutMs = async () => (await pm2.list())[0]?.pm2_env.kill_timeout
    expect(await killTimeoutMs()).toBe(65_000)
    await pm2.configure({ PARLEY_DRAIN_MS: '30000', PARLEY_GATEWAYS: '1' })
    await pm2.run('restart', 'ecosystem.config.cjs')
    expect(await killTimeoutMs()).toBe(85_000)
  })
})
