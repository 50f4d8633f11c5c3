import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RatePlan } from '../raw/rate.ts'
import type { Scenario, ServerUnderTest, Values } from '../scenario.ts'

const MODULE = fileURLToPath(new URL('../raw/rate-process.js', import.meta.url))

/** In one process after the other, so that none takes time from another: no server is needed. */
async function measureRates(plan: RatePlan): Promise<Values> {
  const child = fork(MODULE, [], { execArgv: [] })
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code, signal) => {
      reject(new Error(`the measuring process ended with ${signal ?? code}`))
    })
    child.send(plan)
  })
}

const NO_SERVER: Omit<ServerUnderTest, 'close'> = {
  kind: 'parley',
  port: 0,
  pids: async () => [],
}

/**
 * What the disk and SQLite allow, beside which the rate of the whole server is judged: plain inserts, the
 * engine, and the engine behind its link. The differences say where the rest goes. Runs first.
 */
export const rawLog: Scenario = {
  name: 'raw-log',
  title: 'one writer of the same rows, batches of 100, FULL: plain, engine, engine over its link',
  sides: ['parley'],
  headline: [
    'rowsPerSecond',
    'engineRowsPerSecond',
    'remoteRowsPerSecond',
    'fsyncP50Ms',
    'fsyncP99Ms',
  ],
  targets: [],
  start: async () => ({ ...NO_SERVER, close: async () => undefined }),
  measure: async (_server, { seconds, warmUpSeconds }) => {
    const dir = await mkdtemp(path.join(tmpdir(), 'bench-raw-'))
    try {
      return { values: await measureRates({ seconds, warmUpSeconds, dir }), warnings: [] }
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  },
}
