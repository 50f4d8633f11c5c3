import type { AgentRunner } from './agent-runner.ts'
import type { AgentWorker } from './agent-worker.ts'

export interface RunningAgentsOptions {
  readonly begin: (worker: AgentWorker) => AgentRunner
  /** How long a runner that leaves may take to store how far it came. */
  readonly graceMs: number
  /**
   * Told with every change of who works at messages: those who take them, and those who leave until they have. When
   * all end, that is nobody once all have: until then nobody else works for any of them.
   */
  readonly onChange: (agentIds: readonly string[]) => void
}

interface Running {
  readonly worker: AgentWorker
  readonly runner: AgentRunner
}

/**
 * The agents that run in this process, by id.
 *
 * Invariant: one runner for each agent. One that is to begin while another of its id leaves waits for that.
 */
export class RunningAgents {
  readonly #options: RunningAgentsOptions
  readonly #running = new Map<string, Running>()
  readonly #leaving = new Map<string, Promise<void>>()
  readonly #departing = new Set<AgentRunner>()
  #wanted: ReadonlyMap<string, AgentWorker> = new Map()
  #runners: readonly AgentRunner[] = []
  #isEnding = false

  constructor(options: RunningAgentsOptions) {
    this.#options = options
  }

  get runners(): readonly AgentRunner[] {
    return this.#runners
  }

  /** Those who leave, too. */
  get everyone(): readonly AgentRunner[] {
    return [...this.#runners, ...this.#departing]
  }

  /**
   * Begins those that do not run yet, lets those finish and leave that are not among them, and leaves alone whoever
   * is the same object as before.
   */
  set(workers: readonly AgentWorker[], drainMs: number): void {
    this.#wanted = new Map(workers.map((worker) => [worker.agent.id, worker]))
    for (const [agentId, { worker }] of this.#running) {
      if (this.#wanted.get(agentId) !== worker) this.#leave(agentId, drainMs)
    }
    for (const agentId of this.#wanted.keys()) this.#begin(agentId)
    this.#tell()
  }

  /** Resolves when nobody runs any more; nobody begins afterwards. */
  async end(drainMs: number): Promise<void> {
    this.#isEnding = true
    this.#wanted = new Map()
    for (const agentId of this.#running.keys()) this.#leave(agentId, drainMs)
    this.#runners = []
    // Whoever was about to leave may have had longer for it.
    const timer = setTimeout(() => {
      for (const runner of this.#departing) runner.abort()
    }, drainMs)
    await Promise.all(this.#leaving.values())
    clearTimeout(timer)
    this.#options.onChange([])
  }

  #begin(agentId: string): void {
    const worker = this.#wanted.get(agentId)
    if (worker === undefined || this.#running.has(agentId) || this.#leaving.has(agentId)) return
    const runner = this.#options.begin(worker)
    this.#running.set(agentId, { worker, runner })
    runner.poll()
  }

  #leave(agentId: string, drainMs: number): void {
    const runner = this.#running.get(agentId)?.runner
    if (runner === undefined) return
    this.#running.delete(agentId)
    this.#departing.add(runner)
    this.#leaving.set(agentId, this.#finish(agentId, runner, drainMs))
  }

  async #finish(agentId: string, runner: AgentRunner, drainMs: number): Promise<void> {
    await leave(runner, drainMs, this.#options.graceMs)
    this.#departing.delete(runner)
    this.#leaving.delete(agentId)
    if (this.#isEnding) return
    // Before another one of this id begins: what is still shown of this one is over.
    this.#tell()
    this.#begin(agentId)
    this.#tell()
  }

  #tell(): void {
    this.#runners = [...this.#running.values()].map(({ runner }) => runner)
    const listening = [...this.#running.values()].flatMap(({ worker: { agent, handlers } }) =>
      handlers.includes('message') ? [agent.id] : [],
    )
    this.#options.onChange([...new Set([...listening, ...this.#leaving.keys()])])
  }
}

/**
 * Lets handlers end, `drainMs` at most; then they are told to stop, and those that do not are left behind after
 * the runner's own grace. Stores how far it came. Never rejects.
 */
async function leave(runner: AgentRunner, drainMs: number, graceMs: number): Promise<void> {
  runner.stop()
  const idle = runner.idle()
  if (!(await within(idle, drainMs))) {
    runner.abort()
    await idle
  }
  await within(runner.close(), graceMs)
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
