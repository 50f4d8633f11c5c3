/**
 * Shares the event loop between work that can wait and everything else: one piece of the former for each
 * turn of the loop. However many pieces wait, what arrives meanwhile waits for one of them at most.
 */
export class Turns {
  #waiting: (() => void)[] = []
  #isScheduled = false

  /** Resolves when it is the caller's turn. Who has `begun` goes before those who have not. */
  next(has: { readonly begun: boolean }): Promise<void> {
    return new Promise((resolve) => {
      if (has.begun) this.#waiting.unshift(resolve)
      else this.#waiting.push(resolve)
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      const go = this.#waiting.shift()
      go?.()
      this.#schedule()
    })
  }
}
