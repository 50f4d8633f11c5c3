import { workerFolder } from '../../cluster/support/worker-folder.ts'
import type { RunOptions, ServerUnderTest } from '../scenario.ts'
import { startParley } from './parley-server.ts'

/** A worker of the benchmark: its name, and which module of `workers/` makes it. */
export interface BenchWorker {
  readonly name: string
  readonly module: 'echo' | 'blocker' | 'streamer'
}

function sourceOf({ name, module }: BenchWorker): string {
  const { href } = new URL(`../workers/${module}.js`, import.meta.url)
  return `import { createWorker } from '${href}'\nexport default createWorker('${name}')\n`
}

/** Parley with a folder of these workers and no others; the folder disappears with it. */
export async function startWithWorkers(
  workers: readonly BenchWorker[],
  options: RunOptions,
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerUnderTest> {
  const files = workers.map((worker) => [`${worker.name}.js`, sourceOf(worker)] as const)
  const folder = await workerFolder(Object.fromEntries(files))
  const server = await startParley(options, { ...environment, PARLEY_WORKERS_DIR: folder.path })
  return {
    kind: server.kind,
    port: server.port,
    pids: () => server.pids(),
    close: async () => {
      await server.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}
