import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './support/eventually.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { workerFolder } from './support/worker-folder.ts'
import type { WorkerFolder } from './support/worker-folder.ts'

interface Tick {
  readonly pid: number
  readonly cron: string
  readonly scheduledTime: number
  readonly atMs: number
}

/** Writes every run into a file beside the workers, where all processes and the test see it. */
const TICKS = `
  import { appendFileSync } from 'node:fs'
  const write = (event) => appendFileSync(new URL('./.ticks', import.meta.url), JSON.stringify({ ...event, pid: process.pid, atMs: Date.now() }) + '\\n')
  export default { cron: ['* * * * * *'], scheduled: (event) => write(event) }`

const LONG = `
  import { appendFileSync } from 'node:fs'
  const write = (word) => appendFileSync(new URL('./.long', import.meta.url), JSON.stringify({ word, pid: process.pid }) + '\\n')
  export default {
    cron: '* * * * * *',
    async scheduled(event, env, ctx) {
      write('begin')
      await new Promise((resolve) => setTimeout(resolve, 3_800))
      write('end')
    },
  }`

const FAILS = `export default { cron: '* * * * * *', scheduled() { throw 'a word' } }`

interface Step {
  readonly word: 'begin' | 'end'
  readonly pid: number
}

/** Runs that began while another one, which came to its end, went on. One that was killed has no end. */
function overlaps(steps: readonly Step[]): readonly Step[] {
  return steps.filter((step, index) => {
    if (step.word === 'end') return false
    const later = new Set(steps.slice(index + 1))
    return steps.slice(0, index).some(({ word, pid }, place) => {
      const next = steps.slice(place + 1).find((one) => one.pid === pid)
      return word === 'begin' && next?.word === 'end' && later.has(next)
    })
  })
}

/** No second has two runs, whoever ran them. */
function expectOnce(seen: readonly Tick[]): void {
  const times = seen.map(({ scheduledTime }) => scheduledTime)
  expect(times).toEqual([...new Set(times)])
  expect(
    seen.filter(({ scheduledTime, cron }) => scheduledTime % 1_000 !== 0 || cron !== '* * * * * *'),
  ).toEqual([])
}

const failuresOf = ({ lines }: TestServer) =>
  lines.filter(({ msg, worker }) => msg === 'scheduled run failed' && worker === 'fails')

describe('scheduled', () => {
  let folder: WorkerFolder
  let server: TestServer
  beforeAll(async () => {
    folder = await workerFolder({ 'ticks.js': TICKS, 'long.js': LONG, 'fails.js': FAILS })
    server = await startServer({
      PARLEY_WORKERS_DIR: folder.path,
      PARLEY_GATEWAYS: '1',
      PARLEY_AGENT_HOSTS: '3',
      PARLEY_DRAIN_MS: '5000',
    })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  async function lines<Line>(name: string): Promise<readonly Line[]> {
    const text = await readFile(path.join(folder.path, name), 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
  }

  const ticks = (): Promise<readonly Tick[]> => lines<Tick>('.ticks')

  async function moreTicks(count: number): Promise<readonly Tick[]> {
    const before = (await ticks()).length
    return eventually(
      async () => {
        const now = await ticks()
        return now.length >= before + count && now
      },
      { what: `${count} more ticks` },
    )
  }

  it('runs on one process of several, and when it is killed on its successor', async () => {
    const first = await moreTicks(3)
    expect(new Set(first.map(({ pid }) => pid)).size).toBe(1)
    const [owner = 0] = first.map(({ pid }) => pid)
    expect(await server.pids('agent-host')).toContain(owner)
    process.kill(owner, 'SIGKILL')
    await server.healed([owner])
    const seen = await moreTicks(2)
    expectOnce(seen)
    const pids = new Set(seen.map(({ pid }) => pid))
    expect(pids.size).toBe(2)
    // The one that came last, and not one of the two others that lived all the time.
    expect((await server.pids('agent-host')).at(-1)).toBe(seen.at(-1)?.pid)
  })

  it('runs once in each second while a reload replaces the process', async () => {
    const before = await moreTicks(1)
    process.kill(server.pid, 'SIGUSR2')
    await server.process.logged('gateways and agent hosts replaced')
    const seen = await moreTicks(2)
    expectOnce(seen)
    expect(seen.at(-1)?.pid).not.toBe(before.at(-1)?.pid)
  })

  it('skips a time that comes while the run before goes on, and says so', async () => {
    await server.process.logged('scheduled run skipped: the one before still runs')
    const steps = await eventually(
      async () => {
        const found = await lines<Step>('.long')
        return found.filter(({ word }) => word === 'end').length >= 3 && found
      },
      { what: 'three long runs' },
    )
    expect(overlaps(steps)).toEqual([])
    // By the process that was there before the reload, too: the one behind it waited for its last run.
    expect(new Set(steps.map(({ pid }) => pid)).size).toBeGreaterThan(1)
  })

  it('goes on after a run that throws, whatever it throws', async () => {
    const before = failuresOf(server).length
    await eventually(() => failuresOf(server).length >= before + 2, { what: 'two more failures' })
    expect(failuresOf(server)[0]).toMatchObject({ agentName: 'fails', cron: '* * * * * *' })
  })
})
