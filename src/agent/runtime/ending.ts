import { reasonOf } from './reason.ts'
import type { Halt, Run } from './run.ts'

/** What became of one call of a handler. `stopped`: the process ends; it was neither done nor did it fail. */
export type Ending =
  | { readonly state: 'done' | 'stopped' }
  | {
      readonly state: 'failed'
      readonly reason: string
      readonly error?: unknown
      /** Something of it was shown and stands, so that it is not to be done again by itself. */
      readonly isFinal?: boolean
    }

/** How a handler came back; `left`: it did not. */
export type Returned = 'returned' | 'left' | { readonly thrown: unknown }

const OVER = 'it failed before, in the middle of what it said'

/** What a run comes to whose handler has come back, or is not waited for, and whose streams have ended. */
export function endingOf(
  { halted, streams }: Pick<Run, 'halted' | 'streams'>,
  returned: Returned,
  tooLong: string,
): Ending {
  const isFinal = streams.isLeft
  if (halted !== undefined) return haltedEnding(halted, { returned, isFinal, tooLong })
  if (typeof returned === 'string') return { state: 'done' }
  const { thrown } = returned
  return { state: 'failed', reason: reasonOf(thrown), error: thrown, isFinal }
}

interface Facts {
  readonly returned: Returned
  readonly isFinal: boolean
  readonly tooLong: string
}

function haltedEnding(halted: Halt, { returned, isFinal, tooLong }: Facts): Ending {
  const isReturned = returned === 'returned'
  switch (halted.kind) {
    case 'cancelled':
      return { state: 'done' }
    case 'over':
      if (halted.state !== 'failed') return { state: 'done' }
      return { state: 'failed', reason: OVER, isFinal: true }
    case 'ending':
      return { state: isReturned || isFinal ? 'done' : 'stopped' }
    case 'late': {
      if (isReturned && !isFinal) return { state: 'done' }
      const reason = returned === 'left' ? `${tooLong} and did not stop` : tooLong
      return { state: 'failed', reason, isFinal }
    }
  }
}
