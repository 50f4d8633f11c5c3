import { expect, it } from 'vitest'
import type { LoadedWorker } from '../../../src/agent/loaded-worker.ts'
import { Scheduler } from '../../../src/agent/scheduler.ts'
import { WorkUnderWay } from '../../../src/agent/work-under-way.ts'
import type { WorkerModule } from '../../../src/agent/worker.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { createDeferred } from '../../../src/util/deferred.ts'

const EVERY_SECOND = '* * * * * *'

function workerOf(module: WorkerModule, lines: string[]): LoadedWorker {
  const destination = { write: (line: string) => lines.push(line) }
  return {
    name: 'timed',
    file: 'timed.js',
    module,
    handlers: ['scheduled'],
    agent: undefined,
    crons: [EVERY_SECOND],
    envPrefix: undefined,
    hints: [],
    env: {},
    logger: createLogger({ level: 'info', role: 'agent-host', destination }),
  }
}

it('a run that takes too long is told to stop, counts as ended, and the next one begins', async () => {
  const lines: string[] = []
  const second = createDeferred<void>()
  const signals: AbortSignal[] = []
  const worker = workerOf(
    {
      scheduled: async (_event, _env, ctx) => {
        signals.push(ctx.signal)
        if (signals.length === 2) second.resolve()
        // For ever, whatever it is told.
        await new Promise(() => undefined)
      },
    },
    lines,
  )
  const underWay = new WorkUnderWay()
  const scheduler = new Scheduler({
    workers: [worker],
    underWay,
    asWorker: (_worker, run) => run(),
    runTimeoutMs: 100,
  })
  scheduler.start()
  await second.promise
  scheduler.stop()
  expect(signals[0]?.aborted).toBe(true)
  expect(lines.join('')).toContain('scheduled run takes too long')
  // The drain of a process does not wait for it for ever either.
  await underWay.ended()
  expect(underWay.callCount).toBe(0)
})

it('what is left behind is waited for, whether it succeeds or fails', async () => {
  const lines: string[] = []
  const { logger } = workerOf({}, lines)
  const underWay = new WorkUnderWay()
  const slow = createDeferred<void>()
  const failing = createDeferred<void>()
  void underWay.keep(slow.promise, logger)
  void underWay.keep(failing.promise, logger)
  let hasEnded = false
  const ended = underWay.ended().then(() => (hasEnded = true))
  failing.reject('a word')
  await new Promise(setImmediate)
  expect(hasEnded).toBe(false)
  slow.resolve()
  await ended
  expect(lines.join('')).toContain('work of waitUntil failed')
})
