import { Worker } from 'node:worker_threads'
import type { Logger } from '../../telemetry/logger.ts'

const MB = 1024 * 1024
/** What a host takes without any worker. */
const OWN_MB = 256

/**
 * Has this process ended, blocked or not, when the primary is gone, and when it takes twice its heap and what it
 * needs itself: what is outside of the heap has no other bound. The thread lives as long as the process.
 */
export function guardProcess(logger: Logger, maxHeapMb: number): void {
  // A file of the build: threads are started from JavaScript only.
  const thread = new Worker(new URL('guard-thread.js', import.meta.url), {
    workerData: (2 * maxHeapMb + OWN_MB) * MB,
    // Little: it runs for nothing but a look now and then.
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2 },
  })
  thread.unref()
  thread.on('error', (error) => {
    logger.error({ err: error }, 'nobody looks any more whether this process is to end')
  })
}
