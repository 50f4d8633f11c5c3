import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { CheckpointPlan } from './checkpoint-thread.ts'

export interface CheckpointerOptions {
  readonly file: string
  /** The thread ended by an error: the storage failed under it, as it would have under a commit. */
  readonly onFailure: (error: unknown) => void
}

const CHECKPOINT = {
  everyMs: 100,
  /** More: fewer copies of pages that change often. Less: less is left for the commit that ends the log. */
  fromPages: 500,
} as const

/**
 * Copies the log's pages home in a thread of the writer's process, while the writer goes on committing.
 *
 * Left to the commits, every thousandth of them copies for the others and holds everybody up (60–300 ms,
 * measured). The commits still copy what is left once the log is long (`checkpointPages`), which is
 * little then, and begin it anew: that only the one who writes can do.
 */
export class Checkpointer {
  readonly #thread: Worker
  #isClosing = false

  constructor({ file, onFailure }: CheckpointerOptions) {
    const workerData: CheckpointPlan = { file, ...CHECKPOINT }
    // A file of the build: threads are started from JavaScript only.
    this.#thread = new Worker(new URL('checkpoint-thread.js', import.meta.url), { workerData })
    this.#thread.on('error', onFailure)
    this.#thread.on('exit', (code) => {
      if (!this.#isClosing) onFailure(new Error(`the checkpoint thread ended with code ${code}`))
    })
  }

  /** Resolves when the thread has let go of the file. */
  async close(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    const ended = once(this.#thread, 'exit')
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#thread.postMessage('close')
    await ended
  }
}
