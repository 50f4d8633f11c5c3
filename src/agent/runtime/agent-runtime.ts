import type { ChannelLog } from '../../log/log.ts'
import type { Services } from '../../service/services.ts'
import type { JoinEvent } from '../message-worker.ts'
import type { WorkUnderWay } from '../work-under-way.ts'
import { AgentRunner } from './agent-runner.ts'
import type { AgentWorker } from './agent-worker.ts'
import { NO_BEGUN_WORK } from './begun-work.ts'
import type { BegunWork } from './begun-work.ts'
import { RUNTIME_LIMITS } from './limits.ts'
import type { RuntimeLimits } from './limits.ts'
import { OneAtATime } from './one-at-a-time.ts'
import type { TellTyping } from './typing.ts'

export interface AgentRuntimeOptions {
  /** Agents that this process owns: no other process works for them at the same time. */
  readonly workers: readonly AgentWorker[]
  readonly log: Pick<ChannelLog, 'append' | 'inbox' | 'retries' | 'standing'>
  readonly services: Pick<Services, 'access' | 'channels' | 'messages' | 'participants'>
  readonly tellTyping: TellTyping
  readonly underWay: WorkUnderWay
  /** Calls a handler as the worker's own code. */
  readonly asWorker: <Value>(worker: AgentWorker, run: () => Value) => Value
  /** Called at the start: no other process has it then. Without it nothing is remembered beyond the process. */
  readonly openBegunWork?: () => BegunWork
  readonly limits?: Partial<RuntimeLimits>
}

/**
 * Runs the `message` and `join` handlers of agents, from `start` to `drain`.
 *
 * Every message in a channel that an agent takes part in is handed to it at least once, in the order of the
 * channel and one at a time there: the log keeps, per agent, up to which place it is through. When the process
 * is killed, another one that starts goes on from there; what a handler had said before is not said again.
 */
export class AgentRuntime {
  readonly #options: AgentRuntimeOptions
  readonly #limits: RuntimeLimits
  #runners: readonly AgentRunner[] = []
  #begunWork: BegunWork = NO_BEGUN_WORK
  #poll: NodeJS.Timeout | undefined
  #isStarted = false

  constructor(options: AgentRuntimeOptions) {
    this.#options = options
    this.#limits = { ...RUNTIME_LIMITS, ...options.limits }
  }

  /** Begins to take messages; a second call does nothing. Only while no other process works for the same agents. */
  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    const { workers, openBegunWork } = this.#options
    this.#begunWork = openBegunWork?.() ?? NO_BEGUN_WORK
    const common = {
      ...this.#options,
      limits: this.#limits,
      begunWork: this.#begunWork,
      suspects: new OneAtATime(this.#limits.suspectTimeMs),
    }
    this.#runners = workers.map((worker) => new AgentRunner({ ...common, worker }))
    this.#poll = setInterval(() => {
      for (const runner of this.#runners) runner.poll()
    }, this.#limits.pollIntervalMs)
    for (const runner of this.#runners) runner.poll()
  }

  /** There may be messages: the log's `onCommitted`. Nothing is lost when it is not called. */
  wake(): void {
    if (this.#poll === undefined) return
    for (const runner of this.#runners) runner.wake()
  }

  /** Somebody joined a channel; handed to the agents that take part there. May be lost with the process. */
  join(event: JoinEvent): void {
    if (this.#poll === undefined) return
    for (const runner of this.#runners) runner.join(event)
  }

  /**
   * Takes nothing more and lets handlers end, `drainMs` at most; then they are told to stop, and those that do
   * not are left behind after the grace. Stores how far everybody came, which takes the grace at most.
   */
  async drain(drainMs: number): Promise<void> {
    clearInterval(this.#poll)
    this.#poll = undefined
    // What was never started is not started after this.
    this.#isStarted = true
    for (const runner of this.#runners) runner.stop()
    const idle = Promise.all(this.#runners.map((runner) => runner.idle()))
    if (!(await within(idle, drainMs))) {
      for (const runner of this.#runners) runner.abort()
      await idle
    }
    const closed = Promise.all(this.#runners.map((runner) => runner.close()))
    await within(closed, this.#limits.graceMs)
    this.#begunWork.close()
  }
}

/** False when it did not resolve in time. */
async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      resolve(false)
    }, ms)
  })
  const isInTime = await Promise.race([work.then(() => true), late])
  clearTimeout(timer)
  return isInTime
}
