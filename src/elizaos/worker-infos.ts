import type { WorkerInfo } from '../service/cluster.ts'
import type { RuntimeWorker } from './runtime-worker.ts'

/** As a file in the workers folder could be called: `Ada Lovelace` is `ada-lovelace`. */
function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
}

/** How the runtimes stand among the server's workers; the server sees to it that each name is one's own. */
export function workerInfos(workers: readonly RuntimeWorker[]): readonly WorkerInfo[] {
  return workers.map(({ agent, handlers }) => {
    return { name: slugOf(agent.name), file: null, agent, handlers }
  })
}
