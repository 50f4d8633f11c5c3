/**
 * Processes that ended at a message from which on it is worked at alone: its next try is the last.
 *
 * After one end all that was in work goes on side by side, since a process ends for many reasons. Whatever is one ends
 * the next process, too.
 */
const ALONE_FROM = 2

/**
 * Work at messages at which processes ended: those where it was one go side by side, and when none of these does, the
 * others one at a time. So whichever of them ends the process again is then the only one that did, and none that is
 * worked at for the last time stands beside it.
 *
 * What takes longer than `maxMs` keeps the others waiting no more.
 */
export class Suspects {
  readonly #maxMs: number
  #count = 0
  #isAlone = false
  /** As many at most as are worked at in a process. */
  #together: (() => void)[] = []
  readonly #alone: (() => void)[] = []

  constructor(maxMs: number) {
    this.#maxMs = maxMs
  }

  /** `unfinished`: how many processes ended at it, one after the other. The work never rejects. */
  async run<Value>(unfinished: number, work: () => Promise<Value>): Promise<Value> {
    if (unfinished === 0) return work()
    const isAlone = unfinished >= ALONE_FROM
    await new Promise<void>((resolve) => {
      const waiting = isAlone ? this.#alone : this.#together
      waiting.push(resolve)
      this.#next()
    })
    const begun = work()
    void this.#leave(begun)
    return begun
  }

  #next(): void {
    if (this.#isAlone) return
    const together = this.#together
    this.#together = []
    this.#count += together.length
    for (const begin of together) begin()
    const begin = this.#count === 0 ? this.#alone.shift() : undefined
    if (begin === undefined) return
    this.#count = 1
    this.#isAlone = true
    begin()
  }

  /** Lets others begin when it has ended, or has taken too long. */
  async #leave(work: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#maxMs)
    })
    await Promise.race([work, late])
    clearTimeout(timer)
    this.#count -= 1
    this.#isAlone = false
    this.#next()
  }
}
