import type { Cancellation } from '../../log/agent-work.ts'
import type { ChannelLog } from '../../log/log.ts'
import type { JoinEvent } from '../message-worker.ts'
import type { WorkUnderWay } from '../work-under-way.ts'
import { AgentRunner } from './agent-runner.ts'
import type { AgentRunnerOptions, RunnerLog } from './agent-runner.ts'
import type { AgentWorker } from './agent-worker.ts'
import { NO_BEGUN_WORK } from './begun-work.ts'
import type { BegunWork } from './begun-work.ts'
import { RUNTIME_LIMITS } from './limits.ts'
import type { RuntimeLimits } from './limits.ts'
import { RunningAgents } from './running-agents.ts'
import { Suspects } from './suspects.ts'
import type { TellTyping } from './typing.ts'

export interface AgentRuntimeOptions {
  /** Agents that this process owns, until `setWorkers`: no other process works for them at the same time. */
  readonly workers: readonly AgentWorker[]
  readonly log: RunnerLog & Pick<ChannelLog, 'runAgents'>
  readonly services: AgentRunnerOptions['services']
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
  readonly #running: RunningAgents
  readonly #suspects: Suspects
  #workers: readonly AgentWorker[]
  #begunWork: BegunWork = NO_BEGUN_WORK
  #poll: NodeJS.Timeout | undefined
  #isStarted = false

  constructor(options: AgentRuntimeOptions) {
    this.#options = options
    this.#limits = { ...RUNTIME_LIMITS, ...options.limits }
    this.#workers = options.workers
    this.#suspects = new Suspects(this.#limits.suspectTimeMs)
    this.#running = new RunningAgents({
      begin: (worker) => this.#runnerOf(worker),
      graceMs: this.#limits.graceMs,
      onChange: (agentIds) => {
        options.log.runAgents(agentIds)
      },
    })
  }

  /** Begins to take messages; a second call does nothing. Only while no other process works for the same agents. */
  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    const { openBegunWork } = this.#options
    this.#begunWork = openBegunWork?.() ?? NO_BEGUN_WORK
    this.#poll = setInterval(() => {
      for (const runner of this.#running.runners) runner.poll()
    }, this.#limits.pollIntervalMs)
    this.#running.set(this.#workers, 0)
  }

  /**
   * From now on these agents are to run. Those that are new begin, whoever is the same object as before goes on
   * undisturbed, and the others take nothing more, finish within `drainMs`, and leave.
   */
  setWorkers(workers: readonly AgentWorker[], drainMs: number): void {
    this.#workers = workers
    if (this.#poll !== undefined) this.#running.set(workers, drainMs)
  }

  /** There may be messages: the log's `onCommitted`. Nothing is lost when it is not called. */
  wake(): void {
    if (this.#poll === undefined) return
    for (const runner of this.#running.runners) runner.wake()
  }

  /** Somebody joined a channel; handed to the agents that take part there. May be lost with the process. */
  join(event: JoinEvent): void {
    if (this.#poll === undefined) return
    for (const runner of this.#running.runners) runner.join(event)
  }

  /** A participant wants something to end: the log's `onCancelled`. */
  cancel(cancelled: Cancellation): void {
    for (const runner of this.#running.everyone) runner.cancel(cancelled)
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
    await this.#running.end(drainMs)
    this.#begunWork.close()
  }

  #runnerOf(worker: AgentWorker): AgentRunner {
    return new AgentRunner({
      ...this.#options,
      limits: this.#limits,
      begunWork: this.#begunWork,
      suspects: this.#suspects,
      worker,
    })
  }
}
