import type { TurnPlan } from './plan.ts'

/**
 * Says one thing after the other as somebody does who waits for an answer and thinks before going on: what is
 * measured is then how long an answer takes, not how many fit into a queue.
 */
export class Conversation {
  readonly awaits: TurnPlan['awaits']
  readonly #thinkMs: number
  readonly #say: () => void
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  constructor({ awaits, thinkMs }: TurnPlan, say: () => void) {
    this.awaits = awaits
    this.#thinkMs = thinkMs
    this.#say = say
  }

  /** Says the first thing some time within the time for thinking: many who begin together are spread over it. */
  begin(): void {
    this.#sayAfter(Math.random() * this.#thinkMs)
  }

  /** What was waited for is there: goes on after half to one and a half of the time for thinking. */
  goOn(): void {
    this.#sayAfter((0.5 + Math.random()) * this.#thinkMs)
  }

  end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #sayAfter(ms: number): void {
    if (this.#isOver) return
    if (ms === 0) this.#say()
    else this.#timer = setTimeout(this.#say, ms)
  }
}
