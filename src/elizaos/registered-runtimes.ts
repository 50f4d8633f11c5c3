import type { ElizaRuntime } from './eliza-runtime.ts'
import type { RuntimeWorker } from './runtime-worker.ts'

/** The registered runtimes as agents, and which of them are to run: all but those that somebody stopped. */
export class RegisteredRuntimes {
  readonly #onChange: (running: readonly RuntimeWorker[]) => void
  readonly #workers = new Map<ElizaRuntime, RuntimeWorker>()
  #stopped: ReadonlySet<string> = new Set()

  constructor(onChange: (running: readonly RuntimeWorker[]) => void) {
    this.#onChange = onChange
  }

  /** Also those that do not run. */
  get all(): readonly RuntimeWorker[] {
    return [...this.#workers.values()]
  }

  add(runtime: ElizaRuntime, worker: RuntimeWorker): void {
    this.#workers.set(runtime, worker)
    this.#tell()
  }

  remove(runtime: ElizaRuntime): void {
    this.#workers.delete(runtime)
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
