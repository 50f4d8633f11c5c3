import type { WorkUnderWay } from '../work-under-way.ts'
import { reasonOf } from './reason.ts'
import { Run } from './run.ts'
import type { Stop } from './stop.ts'

/** What became of one call of a handler. `stopped`: the process ends; it was neither done nor did it fail. */
export type Ending =
  | { readonly state: 'done' | 'stopped' }
  | { readonly state: 'failed'; readonly reason: string; readonly error?: unknown }

export interface HandlerCall {
  readonly underWay: WorkUnderWay
  readonly handlerTimeoutMs: number
  readonly graceMs: number
  /** When it happens the handler is told to stop. */
  readonly ending: Stop
  /** Calls the handler. */
  readonly call: (run: Run) => Promise<void>
}

type Returned = 'returned' | { readonly thrown: unknown }

/** Never rejects: nobody may be listening when a handler that was left behind throws at last. */
async function outcomeOf(run: Run, call: HandlerCall['call']): Promise<Returned> {
  try {
    await call(run)
    await run.settled()
    return 'returned'
  } catch (thrown) {
    return { thrown }
  }
}

/** Resolves some time after the signal was aborted; `clear` ends the wait. */
function leftBehind(signal: AbortSignal, graceMs: number) {
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<'left'>((resolve) => {
    signal.addEventListener('abort', () => {
      timer = setTimeout(() => {
        resolve('left')
      }, graceMs)
    })
  })
  return {
    promise,
    clear: () => {
      clearTimeout(timer)
    },
  }
}

/**
 * Calls a handler once and resolves when it has ended, with all that it has begun through its `ctx`.
 *
 * Its signal is aborted when its time is up, or the process ends; when it does not end then, it is left
 * behind: it may go on, but nobody waits for it, and what it does through its `ctx` is refused.
 */
export async function runHandler({
  underWay,
  handlerTimeoutMs,
  graceMs,
  ending,
  call,
}: HandlerCall): Promise<Ending> {
  const work = underWay.begin()
  const run = new Run(work.signal)
  const tooLong = `it took longer than ${handlerTimeoutMs} ms`
  let isLate = false
  const deadline = setTimeout(() => {
    isLate = true
    work.abort(tooLong)
  }, handlerTimeoutMs)
  const left = leftBehind(work.signal, graceMs)
  const forgetEnding = ending.onStop(() => {
    work.abort('the process ends')
  })
  const returned = await Promise.race([outcomeOf(run, call), left.promise])
  clearTimeout(deadline)
  forgetEnding()
  left.clear()
  run.close(returned === 'left' || work.signal.aborted ? 'left' : 'ended')
  work.end()
  if (returned === 'returned') return { state: 'done' }
  const isLeft = returned === 'left'
  if (isLate) {
    return { state: 'failed', reason: isLeft ? `${tooLong} and did not stop` : tooLong }
  }
  if (isLeft || work.signal.aborted) return { state: 'stopped' }
  return { state: 'failed', reason: reasonOf(returned.thrown), error: returned.thrown }
}
