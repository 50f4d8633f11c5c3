import { setTimeout as sleep } from 'node:timers/promises'
import { defineWorker } from 'parley'
import type { WorkerModule } from 'parley'
import { createClock } from '../load/clock.ts'
import { stampOf } from '../load/stamps.ts'

/**
 * Answers each message with a stream of stamps at a fixed rate. A stamp says when its chunk was due, as from a
 * model that does not wait: where `write` holds the stream up, what comes late because of it counts as late.
 */
export function createWorker(name: string): WorkerModule {
  const clock = createClock()
  return defineWorker({
    agent: { name },
    env: 'BENCH_',
    async message(_message, env, ctx) {
      const everyMs = 1_000 / Number(env['BENCH_CHUNKS_PER_SECOND'])
      const count = (Number(env['BENCH_STREAM_SECONDS']) * 1_000) / everyMs
      const stream = ctx.stream()
      const beginning = clock() + Math.random() * everyMs
      for (let index = 0; index < count && !ctx.signal.aborted; index += 1) {
        const dueMs = beginning + index * everyMs
        const waitMs = Math.ceil(dueMs - clock())
        if (waitMs > 0) await sleep(waitMs)
        await stream.write(stampOf(dueMs))
      }
    },
  })
}
