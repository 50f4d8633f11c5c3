/** Something that happens once, and whom to tell then. */
export class Stop {
  readonly #callbacks = new Set<() => void>()
  #isStopped = false

  get isStopped(): boolean {
    return this.#isStopped
  }

  stop(): void {
    this.#isStopped = true
    for (const callback of this.#callbacks) callback()
    this.#callbacks.clear()
  }

  /** Calls back when it happens, at once when it has; the returned function takes that back. */
  onStop(callback: () => void): () => void {
    if (this.#isStopped) {
      callback()
      return () => undefined
    }
    this.#callbacks.add(callback)
    return () => {
      this.#callbacks.delete(callback)
    }
  }
}
