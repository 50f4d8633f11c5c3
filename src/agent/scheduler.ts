import { Cron } from 'croner'
import { createContext } from './loaded-worker.ts'
import type { LoadedWorker } from './loaded-worker.ts'
import type { WorkUnderWay } from './work-under-way.ts'

/** Longest that one run may take; past it its signal is aborted and the next one may begin. */
const RUN_TIMEOUT_MS = 15 * 60_000

export interface SchedulerOptions {
  readonly workers: readonly LoadedWorker[]
  readonly underWay: WorkUnderWay
  /** Calls a handler as the worker's own code. */
  readonly asWorker: <Value>(worker: LoadedWorker, run: () => Value) => Value
  readonly runTimeoutMs?: number
}

/**
 * Calls `scheduled` of the workers that it is given when their time comes, in UTC, from `start` to `stop`.
 *
 * For each worker and expression one run at a time: a time that comes while a run goes on is skipped and
 * logged. What came while nobody was at it, or was cut off, is not made up for.
 */
export class Scheduler {
  readonly #options: Required<SchedulerOptions>
  #jobs: Cron[] = []

  constructor(options: SchedulerOptions) {
    this.#options = { runTimeoutMs: RUN_TIMEOUT_MS, ...options }
  }

  start(): void {
    if (this.#jobs.length > 0) return
    this.#jobs = this.#options.workers.flatMap((worker) =>
      worker.module.scheduled === undefined
        ? []
        : worker.crons.map((cron) => this.#schedule(worker, cron)),
    )
  }

  /** Begins no more runs; those that go on are under way until they end. */
  stop(): void {
    for (const job of this.#jobs.splice(0)) job.stop()
  }

  #schedule(worker: LoadedWorker, cron: string): Cron {
    let isRunning = false
    let dueMs = 0
    const job = new Cron(cron, { timezone: 'UTC', paused: true }, async () => {
      const scheduledTime = dueMs
      dueMs = job.nextRun()?.getTime() ?? 0
      if (isRunning) {
        worker.logger.warn(
          { cron, scheduledTime },
          'scheduled run skipped: the one before still runs',
        )
        return
      }
      isRunning = true
      await this.#run(worker, { cron, scheduledTime })
      isRunning = false
    })
    dueMs = job.nextRun()?.getTime() ?? 0
    job.resume()
    return job
  }

  /** Resolves when the run has ended, or has had its time. */
  async #run(
    worker: LoadedWorker,
    event: { readonly cron: string; readonly scheduledTime: number },
  ): Promise<void> {
    const { underWay, asWorker, runTimeoutMs } = this.#options
    const { module, env, logger } = worker
    const work = underWay.begin()
    let timer: NodeJS.Timeout | undefined
    const timeLimit = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        logger.error({ ...event, timeoutMs: runTimeoutMs }, 'scheduled run takes too long')
        work.abort('the run took too long')
        resolve()
      }, runTimeoutMs)
    })
    const call = async (): Promise<void> => {
      try {
        await module.scheduled?.(event, env, createContext(worker, work.signal, underWay))
      } catch (error) {
        logger.error({ err: error, ...event }, 'scheduled run failed')
      }
    }
    await Promise.race([asWorker(worker, call), timeLimit])
    clearTimeout(timer)
    work.end()
  }
}
