import type { WorkerInfo } from '../service/cluster.ts'
import type { RuntimeWorker } from './runtime-worker.ts'

/** As a file in the workers folder could be called: `Ada Lovelace` is `ada-lovelace`. */
function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
}

/**
 * How the runtimes stand among the server's workers, by names that are each one's own: an agent whose name is
 * none, or another's, has its id.
 */
export function workerInfos(workers: readonly RuntimeWorker[]): readonly WorkerInfo[] {
  const taken = new Set<string>()
  return workers.map(({ agent, handlers }) => {
    const slug = slugOf(agent.name)
    const name = slug === '' || taken.has(slug) ? agent.id : slug
    taken.add(name)
    return { name, file: 'elizaOS runtime', agent, handlers }
  })
}
