import { createDeferred } from '../../util/deferred.ts'
import { WebhookError } from './webhook-error.ts'

/** Aborts when its caller does, and when something that is waited for takes too long. */
export class Patience {
  readonly signal: AbortSignal
  readonly #maxSilenceMs: number
  readonly #silence = new AbortController()

  constructor(signal: AbortSignal, maxSilenceMs: number) {
    this.signal = AbortSignal.any([signal, this.#silence.signal])
    this.#maxSilenceMs = maxSilenceMs
  }

  /** The same, in time; else rejects with why it was aborted. */
  async until<Value>(work: Promise<Value>): Promise<Value> {
    const { signal } = this
    const aborted = createDeferred<never>()
    const abort = (): void => {
      aborted.reject(reasonOf(signal))
    }
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    const timer = setTimeout(() => {
      this.#silence.abort(new WebhookError(`nothing came for ${this.#maxSilenceMs} ms`))
    }, this.#maxSilenceMs)
    try {
      return await Promise.race([work, aborted.promise])
    } catch (error) {
      // What the abort broke says less than why there was one.
      throw signal.aborted ? reasonOf(signal) : error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new WebhookError(String(reason))
}
