import type { WorkerInfo } from '../../service/cluster.ts'
import { workersOf } from './server-state.ts'
import type { Supervisor } from './supervisor.ts'

/** What agent hosts have loaded, as it was last known: while none is ready, as in a restart, the workers stay. */
export class KnownWorkers {
  #list: readonly WorkerInfo[] = []

  get list(): readonly WorkerInfo[] {
    return this.#list
  }

  /** Processes came or went. */
  look(supervisor: Pick<Supervisor, 'children'>): void {
    this.#list = workersOf(supervisor) ?? this.#list
  }
}
