/** Lets one piece of work go on at a time; one that takes longer than `maxMs` lets the next one begin. */
export class OneAtATime {
  readonly #maxMs: number
  #last: Promise<unknown> = Promise.resolve()

  constructor(maxMs: number) {
    this.#maxMs = maxMs
  }

  /** The work never rejects. */
  run<Value>(work: () => Promise<Value>): Promise<Value> {
    const begun = this.#last.then(work)
    this.#last = this.#last.then(() => this.#within(begun))
    return begun
  }

  async #within(work: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#maxMs)
    })
    await Promise.race([work, late])
    clearTimeout(timer)
  }
}
