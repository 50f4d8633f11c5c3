import type { Logger } from '../../telemetry/logger.ts'
import type { Work, WorkUnderWay } from '../work-under-way.ts'
import { endingOf } from './ending.ts'
import type { Ending, Returned } from './ending.ts'
import { Grace, onAbort } from './grace.ts'
import { Run } from './run.ts'
import type { Stop } from './stop.ts'

export interface HandlerCall {
  readonly underWay: WorkUnderWay
  readonly handlerTimeoutMs: number
  readonly graceMs: number
  /** When it happens the handler is told to stop. */
  readonly ending: Stop
  readonly logger: Logger
  /** Calls the handler. */
  readonly call: (run: Run) => Promise<void>
}

/** What those in the channel are told of a handler that throws: its reasons are for the operator. */
const FAILED = 'the agent failed'
const ENDS = 'the process ends'

/**
 * One call of a handler. It has ended when all has that it began through its `ctx`.
 *
 * Its signal is aborted when its time is up, a participant cancels it, or the process ends; when it does not end
 * then, it is left behind: it may go on, but nobody waits for it, and what it does through its `ctx` is refused.
 * What it left to `waitUntil` has the same time.
 */
export class HandlerRun {
  readonly run: Run
  /** The handler has ended, or was left behind. Never rejects. */
  readonly ended: Promise<Ending>
  /** And so has what it left to `waitUntil`: nothing of it is said any more. Never rejects. */
  readonly closed: Promise<void>
  readonly #options: HandlerCall
  readonly #work: Work
  readonly #tooLong: string
  readonly #deadline: NodeJS.Timeout
  /** When the process ends it does not wait for a writer that is away. */
  readonly #gaveUp: Grace
  readonly #forget: readonly (() => void)[]

  /** Calls it. */
  constructor(options: HandlerCall) {
    const { underWay, handlerTimeoutMs, graceMs, ending } = options
    this.#options = options
    this.#work = underWay.begin()
    this.run = new Run(this.#work)
    this.#tooLong = `it took longer than ${handlerTimeoutMs} ms`
    this.#deadline = setTimeout(() => {
      this.run.halt({ kind: 'late' }, this.#tooLong)
    }, handlerTimeoutMs)
    const halt = (): void => {
      this.run.halt({ kind: 'ending' }, ENDS)
    }
    // The second, for whoever ends everything in this process.
    this.#gaveUp = new Grace((callback) => ending.onStop(callback), graceMs)
    this.#forget = [ending.onStop(halt), onAbort(this.run.signal, halt)]
    this.ended = this.#toEnd()
    this.closed = this.#toClose()
  }

  async #toEnd(): Promise<Ending> {
    const { run } = this
    const left = new Grace((callback) => onAbort(run.signal, callback), this.#options.graceMs)
    const returned = await Promise.race([this.#outcome(), left.over])
    left.clear()
    // What comes first counts: whoever stops a handler that has thrown comes too late.
    const { halted, streams } = run
    if (returned !== 'returned' || halted !== undefined) await this.#cut()
    run.close(run.halted === undefined ? 'ended' : 'left')
    this.#work.end()
    return endingOf({ halted, streams }, returned, this.#tooLong)
  }

  /** Nobody may be listening when a handler that was left behind throws at last. */
  async #outcome(): Promise<Returned> {
    const { run } = this
    try {
      await this.#options.call(run)
      await run.settled()
      if (!run.isKept) await run.streams.complete()
      return 'returned'
    } catch (thrown) {
      return { thrown }
    }
  }

  async #toClose(): Promise<void> {
    await this.ended
    if (this.run.halted === undefined) await this.#behind()
    clearTimeout(this.#deadline)
    this.#gaveUp.clear()
    for (const forget of this.#forget) forget()
  }

  /** Waits for what was left to `waitUntil`, and ends its streams. */
  async #behind(): Promise<void> {
    const { run } = this
    const halted = new Grace((callback) => onAbort(run.signal, callback), 0)
    await Promise.race([run.unkept(), halted.over])
    halted.clear()
    try {
      if (run.halted === undefined) await run.streams.complete()
    } catch (error) {
      this.#options.logger.error({ err: error }, 'a stream of waitUntil was not stored')
    }
    if (run.halted === undefined) return
    run.close('left')
    await this.#cut()
  }

  /** Ends the streams where they are, unless that is done. */
  async #cut(): Promise<void> {
    const { streams } = this.run
    const stored = streams.cut('failed', FAILED)
    if ((await Promise.race([stored, this.#gaveUp.over])) === 'left') streams.abandon()
  }
}
