import { Worker } from 'node:worker_threads'
import type { Logger } from '../../telemetry/logger.ts'

/** Has this process ended, blocked or not, when the primary is gone. The thread lives as long as the process. */
export function watchForOrphan(logger: Logger): void {
  // A file of the build: threads are started from JavaScript only.
  const thread = new Worker(new URL('orphan-thread.js', import.meta.url), {
    // Little: it runs for nothing but one look a second.
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2 },
  })
  thread.unref()
  thread.on('error', (error) => {
    logger.error({ err: error }, 'nobody looks any more whether the primary is gone')
  })
}
