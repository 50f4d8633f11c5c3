/** Waits for what a callback is called for, and then some time; `clear` ends the wait. */
export class Grace {
  /** Resolves when that time is over. */
  readonly over: Promise<'left'>
  #timer: NodeJS.Timeout | undefined
  #forget: (() => void) | undefined

  /** `listen` calls back once, perhaps at once, and answers how to take that back. */
  constructor(listen: (callback: () => void) => () => void, graceMs: number) {
    this.over = new Promise((resolve) => {
      this.#forget = listen(() => {
        this.#timer = setTimeout(() => {
          resolve('left')
        }, graceMs)
      })
    })
  }

  clear(): void {
    this.#forget?.()
    clearTimeout(this.#timer)
  }
}

/** Calls back when the signal is aborted; the returned function takes that back. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  signal.addEventListener('abort', callback)
  return () => {
    signal.removeEventListener('abort', callback)
  }
}
