import type { Work } from '../work-under-way.ts'
import type { CutState } from './outgoing-stream.ts'
import { RunStreams } from './run-streams.ts'

/**
 * Why a run is over before its handler has ended. `over`: what it says was shown in an earlier run, and ended before
 * its time.
 */
export type Halt =
  | { readonly kind: 'late' | 'cancelled' | 'ending' }
  | { readonly kind: 'over'; readonly state: CutState }

/** How streams end with their run, and what those in the channel are told of it: no reasons of the handler's. */
const CUTS = {
  late: ['failed', 'the agent took too long'],
  cancelled: ['cancelled', undefined],
  ending: ['interrupted', 'the process that wrote it ended'],
  over: ['interrupted', 'the agent was interrupted'],
} as const satisfies Record<Halt['kind'], readonly [CutState, string | undefined]>

/**
 * One call of a handler, from the side of what it does through its `ctx`.
 *
 * It is open while the handler or something that it left to `waitUntil` goes on, and closed for good when it
 * was left behind: what a handler does that nobody waits for any more could fall between what later ones do.
 */
export class Run {
  readonly streams = new RunStreams()
  readonly #work: Pick<Work, 'signal' | 'abort'>
  readonly #acts = new Map<symbol, Promise<unknown>>()
  #steps = 0
  #keptCount = 0
  #waiters: (() => void)[] = []
  #state: 'running' | 'ended' | 'left' = 'running'
  #halt: Halt | undefined

  constructor(work: Pick<Work, 'signal' | 'abort'>) {
    this.#work = work
  }

  get signal(): AbortSignal {
    return this.#work.signal
  }

  /** The first reason for which it is over. */
  get halted(): Halt | undefined {
    return this.#halt
  }

  /** Whether something goes on that was left to `waitUntil`. */
  get isKept(): boolean {
    return this.#keptCount > 0
  }

  /** The handler is to stop, and its streams end where they are. What comes first counts. */
  halt(halt: Halt, reason: string): void {
    if (this.#halt !== undefined) return
    this.#halt = halt
    const [state, error] = CUTS[halt.kind]
    void this.streams.cut(state, error)
    this.#work.abort(reason)
  }

  /** The number of the next thing that the handler says, from 1. */
  nextStep(): number {
    this.#steps += 1
    return this.#steps
  }

  /** @throws Error when the work is over. */
  requireOpen(act: string): void {
    const isOpen = this.#state === 'running' || (this.#state === 'ended' && this.isKept)
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
      if (!this.isKept) for (const resolve of this.#waiters.splice(0)) resolve()
    }
  }

  /** Resolves when nothing goes on any more that was left to `waitUntil`. */
  async unkept(): Promise<void> {
    if (!this.isKept) return
    await new Promise<void>((resolve) => {
      this.#waiters.push(resolve)
    })
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
