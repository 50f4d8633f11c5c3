import { LOOK_INTERVAL_MS } from './stream-limits.ts'

/**
 * Milliseconds of this process's time at looks that are `LOOK_INTERVAL_MS` apart, without those in which it stood still:
 * what others said meanwhile has not been heard yet, so they count for nobody who is gone.
 */
export class AwakeClock {
  readonly #now: () => number
  #lookedAtMs: number
  #ms = 0

  /** Over elapsed milliseconds. */
  constructor(now: () => number) {
    this.#now = now
    this.#lookedAtMs = now()
  }

  /** As of the last look. */
  get ms(): number {
    return this.#ms
  }

  /** As of now. */
  get nowMs(): number {
    return this.#ms + this.#sinceLookMs()
  }

  /** The looks begin: what was before them does not count. */
  start(): void {
    this.#lookedAtMs = this.#now()
  }

  look(): void {
    this.#ms += this.#sinceLookMs()
    this.#lookedAtMs = this.#now()
  }

  #sinceLookMs(): number {
    return Math.min(this.#now() - this.#lookedAtMs, 2 * LOOK_INTERVAL_MS)
  }
}
