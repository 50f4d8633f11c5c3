import { createLogger } from '../../../src/telemetry/logger.ts'
import type { Logger } from '../../../src/telemetry/logger.ts'
import { createDeferred } from '../../../src/util/deferred.ts'

/** A logger, and the first error line that it is given. */
export function loggedProblem(): { readonly logger: Logger; readonly problem: Promise<string> } {
  const { promise: problem, resolve } = createDeferred<string>()
  const destination = { write: resolve }
  return { logger: createLogger({ level: 'error', role: 'gateway', destination }), problem }
}
