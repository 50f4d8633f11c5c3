import type { Logger } from '../telemetry/logger.ts'
import type { CheckedModule } from './check-module.ts'
import type { WorkUnderWay } from './work-under-way.ts'
import type { WorkerFile } from './worker-files.ts'
import type { ExecutionContext, WorkerEnv } from './worker.ts'

/** A module that serves. */
export interface LoadedWorker extends CheckedModule {
  readonly name: string
  readonly file: string
  readonly env: WorkerEnv
  /** Its lines carry `agentName` and `worker`. */
  readonly logger: Logger
}

/** One file: a worker, or why it is none. */
export type Outcome =
  | { readonly file: WorkerFile; readonly worker: LoadedWorker }
  | { readonly file: WorkerFile; readonly problem: string }

/** What a handler gets for one call. */
export function createContext(
  { logger }: LoadedWorker,
  signal: AbortSignal,
  underWay: WorkUnderWay,
): ExecutionContext {
  return {
    waitUntil: (work) => {
      void underWay.keep(work, logger)
    },
    passThroughOnException: () => undefined,
    signal,
    log: logger,
  }
}
