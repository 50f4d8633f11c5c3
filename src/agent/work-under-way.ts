import type { Logger } from '../telemetry/logger.ts'

/** One call of a handler, from its beginning to its end. */
export interface Work {
  readonly signal: AbortSignal
  /** Tells the handler to stop; what it does about it is its own. */
  abort(reason: string): void
  /** Call once, whatever became of it. */
  end(): void
}

/** How long what a handler left behind with `waitUntil` is waited for; past it the process ends without it. */
const BACKGROUND_TIMEOUT_MS = 30_000

/**
 * Everything that workers do at this moment in this process, so that the process can end when it is done:
 * calls of handlers, and what they left behind.
 */
export class WorkUnderWay {
  readonly #calls = new Set<AbortController>()
  readonly #background = new Set<NodeJS.Timeout>()
  #waiters: (() => void)[] = []

  /** Calls of handlers that have not ended. */
  get callCount(): number {
    return this.#calls.size
  }

  begin(): Work {
    const controller = new AbortController()
    this.#calls.add(controller)
    return {
      signal: controller.signal,
      abort: (reason) => {
        controller.abort(new Error(reason))
      },
      end: () => {
        this.#calls.delete(controller)
        this.#lookForEnd()
      },
    }
  }

  /** Waits for the work before the process ends, at most 30 s. A rejection is logged, and nothing else. */
  async keep(work: unknown, logger: Logger): Promise<void> {
    const timer = setTimeout(() => {
      logger.warn(
        { timeoutMs: BACKGROUND_TIMEOUT_MS },
        'work of waitUntil is not waited for any longer',
      )
      this.#release(timer)
    }, BACKGROUND_TIMEOUT_MS)
    timer.unref()
    this.#background.add(timer)
    try {
      await work
    } catch (error) {
      logger.error({ err: error }, 'work of waitUntil failed')
    } finally {
      this.#release(timer)
    }
  }

  /** Resolves when nothing is under way; may never: the caller bounds the wait. */
  async ended(): Promise<void> {
    while (this.#calls.size + this.#background.size > 0) {
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve)
      })
    }
  }

  abortAll(reason: string): void {
    for (const controller of this.#calls) controller.abort(new Error(reason))
  }

  #release(timer: NodeJS.Timeout): void {
    clearTimeout(timer)
    this.#background.delete(timer)
    this.#lookForEnd()
  }

  #lookForEnd(): void {
    if (this.#calls.size + this.#background.size > 0) return
    for (const resolve of this.#waiters.splice(0)) resolve()
  }
}
