import type { AgentWorker } from '../../agent/runtime/agent-worker.ts'
import type { ChannelLog } from '../../log/log.ts'
import { httpAgentsOf, stoppedIn } from '../../service/http-agents.ts'
import type { FixedAgent, KnownHttpAgent } from '../../service/http-agents.ts'

export interface OwnAgentsOptions {
  readonly log: Pick<ChannelLog, 'agents'>
  /** Modules that are agents and this process's. */
  readonly modules: readonly AgentWorker[]
  /** Ids of all modules that are agents, whoever's. */
  readonly taken: ReadonlySet<string>
  /** Those of the settings. */
  readonly fixed: readonly FixedAgent[]
  /** Whether an agent that is called over HTTP is this process's. */
  readonly isOwn: (agentId: string) => boolean
  readonly createWorker: (agent: KnownHttpAgent) => AgentWorker
}

/** Which agents this process is to run. */
export class OwnAgents {
  readonly #options: OwnAgentsOptions
  /** Those that are called over HTTP, by id and revision. */
  #workers: ReadonlyMap<string, AgentWorker> = new Map()

  constructor(options: OwnAgentsOptions) {
    this.#options = options
  }

  /** As it is now; an agent that has not changed is the same object again. */
  async read(): Promise<readonly AgentWorker[]> {
    const { log, modules, taken, fixed, isOwn, createWorker } = this.#options
    const stored = await log.agents()
    const stopped = stoppedIn(stored)
    const own = httpAgentsOf({ stored, fixed, taken }).filter(
      ({ id, isStopped }) => !isStopped && isOwn(id),
    )
    const earlier = this.#workers
    this.#workers = new Map(
      own.map((agent) => {
        const key = `${agent.id} ${agent.revision}`
        return [key, earlier.get(key) ?? createWorker(agent)]
      }),
    )
    const running = modules.filter(({ agent }) => !stopped.has(agent.id))
    return [...running, ...this.#workers.values()]
  }
}
