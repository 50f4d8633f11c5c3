import { AsyncLocalStorage } from 'node:async_hooks'
import { format } from 'node:util'
import type { Logger } from '../telemetry/logger.ts'

const LEVELS = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' } as const

/**
 * Knows which worker's code is running, so that what it does without its `ctx` can be told to be its own:
 * `console`, and what it throws where nobody catches it.
 */
export class WorkerScope {
  readonly #logger: Logger
  readonly #current = new AsyncLocalStorage<Logger>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** The logger of the worker that is running, or the process's own. */
  get logger(): Logger {
    return this.#current.getStore() ?? this.#logger
  }

  run<Value>(logger: Logger, call: () => Value): Value {
    return this.#current.run(logger, call)
  }

  /** From now on `console` writes lines of the server's log: text in between would break those up. */
  takeConsole(target: object = globalThis.console): void {
    for (const [name, level] of Object.entries(LEVELS)) {
      Reflect.set(target, name, (...words: readonly unknown[]) => {
        this.logger[level]({}, format(...words))
      })
    }
  }
}
