import { inspect } from 'node:util'

/** Characters of a reason; the log keeps no more. */
const MAX_REASON_CHARS = 1_000

function wordsOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`
    return `threw ${inspect(thrown, { depth: 1 })} instead of an Error`
  } catch {
    // A getter or a proxy of the worker's that throws itself.
    return 'threw something that cannot be read'
  }
}

/** What a handler threw, as one line for people, whatever it is. */
export function reasonOf(thrown: unknown): string {
  return wordsOf(thrown).slice(0, MAX_REASON_CHARS)
}
