import { hash } from 'node:crypto'
import type { Caller } from '../../service/caller.ts'

/** Tokens remembered by one gateway. Past it the one verified first is verified again when it comes. */
const MAX_REMEMBERED = 10_000
/** Characters of the longest token that is remembered: what is kept of one is about as large. */
const MAX_REMEMBERED_LENGTH = 4_096
/** Milliseconds after which a token is verified again, so that a key that was withdrawn ends its tokens too. */
const REMEMBERED_MS = 600_000

interface Remembered {
  readonly caller: Caller
  /** By the clock that no one sets. */
  readonly untilMs: number
}

export interface RememberedOptions {
  readonly maxRemembered?: number
  /** Milliseconds on a clock that only goes forward. */
  readonly now?: () => number
}

/**
 * Whom the tokens that were verified lately name, so that a client that calls often is not verified each
 * time. Holds digests, not tokens. Does not look at `exp`; whoever asks does.
 */
export class RememberedCallers {
  readonly #byDigest = new Map<string, Remembered>()
  readonly #maxRemembered: number
  readonly #now: () => number

  constructor({
    maxRemembered = MAX_REMEMBERED,
    now = () => performance.now(),
  }: RememberedOptions = {}) {
    this.#maxRemembered = maxRemembered
    this.#now = now
  }

  get(token: string): Caller | undefined {
    if (token.length > MAX_REMEMBERED_LENGTH) return undefined
    const digest = digestOf(token)
    const remembered = this.#byDigest.get(digest)
    if (remembered === undefined) return undefined
    if (this.#now() < remembered.untilMs) return remembered.caller
    this.#byDigest.delete(digest)
    return undefined
  }

  add(token: string, caller: Caller): void {
    if (token.length > MAX_REMEMBERED_LENGTH) return
    const digest = digestOf(token)
    // Behind the others, also when it was there.
    this.#byDigest.delete(digest)
    if (this.#byDigest.size >= this.#maxRemembered) {
      for (const oldest of this.#byDigest.keys()) {
        this.#byDigest.delete(oldest)
        break
      }
    }
    this.#byDigest.set(digest, { caller, untilMs: this.#now() + REMEMBERED_MS })
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64')
}
