/**
 * One call of a handler, from the side of what it does through its `ctx`.
 *
 * It is open while the handler or something that it left to `waitUntil` goes on, and closed for good when it
 * was left behind: what a handler does that nobody waits for any more could fall between what later ones do.
 */
export class Run {
  readonly signal: AbortSignal
  readonly #acts = new Map<symbol, Promise<unknown>>()
  #steps = 0
  #keptCount = 0
  #state: 'running' | 'ended' | 'left' = 'running'

  constructor(signal: AbortSignal) {
    this.signal = signal
  }

  /** The number of the next thing that the handler says, from 1. */
  nextStep(): number {
    this.#steps += 1
    return this.#steps
  }

  /** @throws Error when the work is over. */
  requireOpen(act: string): void {
    const isOpen = this.#state === 'running' || (this.#state === 'ended' && this.#keptCount > 0)
    if (isOpen) return
    const why = this.#state === 'left' ? 'it was told to stop' : 'the handler has ended'
    throw new Error(`${act}: this work is over: ${why}`)
  }

  /** Does something for the handler. Rejects with what it throws, and when the work is over. */
  act<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
    const token = Symbol(name)
    const promise = this.#perform(token, name, work)
    this.#acts.set(token, promise)
    return promise
  }

  /** Keeps the run open until this has ended, whatever becomes of it. */
  async keep(work: Promise<void>): Promise<void> {
    this.#keptCount += 1
    try {
      await work
    } finally {
      this.#keptCount -= 1
    }
  }

  /**
   * Waits for what the handler has begun and did not wait for itself.
   *
   * @throws what that threw: nobody else hears of it.
   */
  async settled(): Promise<void> {
    while (this.#acts.size > 0) await Promise.all(this.#acts.values())
  }

  /** The handler has ended, or is not waited for any longer. */
  close(state: 'ended' | 'left'): void {
    this.#state = state
  }

  async #perform<Value>(token: symbol, name: string, work: () => Promise<Value>): Promise<Value> {
    // First, so that its end is never before it is known to have begun.
    await Promise.resolve()
    try {
      this.requireOpen(name)
      return await work()
    } finally {
      this.#acts.delete(token)
    }
  }
}
