import { canonicalId } from '../util/ids.ts'
import type { ElizaRuntime } from './eliza-runtime.ts'
import type { RuntimeWorker } from './runtime-worker.ts'

interface Registered {
  readonly runtime: ElizaRuntime
  readonly worker: RuntimeWorker
}

/**
 * The registered runtimes as agents, each id once, and which of them are to run: all but those that somebody
 * stopped.
 */
export class RegisteredRuntimes {
  readonly #onChange: (running: readonly RuntimeWorker[]) => void
  readonly #byId = new Map<string, Registered>()
  #stopped: ReadonlySet<string> = new Set()

  constructor(onChange: (running: readonly RuntimeWorker[]) => void) {
    this.#onChange = onChange
  }

  /** Also those that do not run. */
  get all(): readonly RuntimeWorker[] {
    return [...this.#byId.values()].map(({ worker }) => worker)
  }

  /** The runtime of this id, where it is to run. */
  running(agentId: string): ElizaRuntime | undefined {
    const id = canonicalId(agentId)
    return this.#stopped.has(id) ? undefined : this.#byId.get(id)?.runtime
  }

  /** Takes the place of another one of its id; the same runtime again goes on as it is. */
  add(runtime: ElizaRuntime, worker: RuntimeWorker): void {
    if (this.#byId.get(worker.agent.id)?.runtime === runtime) return
    this.#byId.set(worker.agent.id, { runtime, worker })
    this.#tell()
  }

  /** Nothing happens where another one has its place. */
  remove(runtime: ElizaRuntime): void {
    const id = canonicalId(runtime.agentId)
    if (this.#byId.get(id)?.runtime !== runtime) return
    this.#byId.delete(id)
    this.#tell()
  }

  /** Ids of agents, whoever runs them. */
  setStopped(agentIds: ReadonlySet<string>): void {
    this.#stopped = agentIds
    this.#tell()
  }

  #tell(): void {
    this.#onChange(this.all.filter(({ agent }) => !this.#stopped.has(agent.id)))
  }
}
