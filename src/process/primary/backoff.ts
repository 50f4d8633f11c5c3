const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5_000
/** A process that served this long was healthy: its end is news, not a repetition. */
const HEALTHY_AFTER_MS = 10_000

/** How long to wait before a process is started again: 100 ms, doubling to 5 s, from the start after 10 s of health. */
export class Backoff {
  #nextMs = FIRST_DELAY_MS

  /** `healthyMs`: how long the process that ended had been ready; 0 when it never was. */
  nextDelayMs(healthyMs: number): number {
    if (healthyMs >= HEALTHY_AFTER_MS) this.#nextMs = FIRST_DELAY_MS
    const delayMs = this.#nextMs
    this.#nextMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)
    return delayMs
  }
}
