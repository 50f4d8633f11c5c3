import { defineWorker } from 'parley'
import type { WorkerModule } from 'parley'

/** Takes the whole thread of its process at each message, for ever. */
export function createWorker(name: string): WorkerModule {
  return defineWorker({
    agent: { name },
    message() {
      for (;;);
    },
  })
}
