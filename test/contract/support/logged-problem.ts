import { createLogger } from '../../../src/telemetry/logger.ts'
import type { Logger } from '../../../src/telemetry/logger.ts'
import { createDeferred } from '../../../src/util/deferred.ts'

/** A logger, and the first line that it is given of this level or worse. */
export function loggedProblem(level: 'warn' | 'error' = 'error'): {
  readonly logger: Logger
  readonly problem: Promise<string>
} {
  const { promise: problem, resolve } = createDeferred<string>()
  const destination = { write: resolve }
  return { logger: createLogger({ level, role: 'gateway', destination }), problem }
}
