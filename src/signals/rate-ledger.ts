import type { Block, Use, UsedPayload } from './quota-wire.ts'

export interface RateLedgerOptions {
  /**
   * Most keys that are summed at a time. Past it the one that was reported longest ago is forgotten, and
   * each gateway holds it to the limit by itself. More: about 200 bytes for each.
   */
  readonly maxKeys?: number
}

/**
 * What a key has used, in uses since the first window: `perSecond` times the number of the window up to
 * which it has spent what it may.
 */
interface Account {
  spent: number
  perSecond: number
}

const DEFAULT_MAX_KEYS = 100_000

/**
 * Longest that a key is blocked, in windows: what is used too much in a moment in which the gateways
 * cannot know of each other is paid back, but not for ever.
 */
const MAX_BLOCK_WINDOWS = 60

/** Accounts that are looked at, with each report, for whether they can be forgotten. */
const LOOKS_FOR_EACH_USE = 2

/**
 * Sums what all gateways report of a key.
 *
 * What a key used beyond its limit is taken from the seconds that follow, so that over any longer time
 * it gets what it may get and no more, however its uses are spread over the gateways.
 */
export class RateLedger {
  readonly #maxKeys: number
  /** In the order of their last reports. */
  readonly #accounts = new Map<string, Account>()

  constructor(options: RateLedgerOptions = {}) {
    this.#maxKeys = options.maxKeys ?? DEFAULT_MAX_KEYS
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#accounts.size
  }

  /** Adds what was used and returns which of these keys have nothing left, until when. */
  add(uses: UsedPayload): readonly Block[] {
    const blocks: Block[] = []
    for (const use of uses) {
      const [key, window] = use
      const untilWindow = this.#spend(use)
      if (untilWindow > window) blocks.push([key, untilWindow])
      this.#forget(window)
    }
    return blocks
  }

  /** The window up to which the key has spent everything. */
  #spend([key, window, count, perSecond]: Use): number {
    const spentBefore = this.#accounts.get(key)?.spent ?? 0
    const most = (window + MAX_BLOCK_WINDOWS) * perSecond
    const spent = Math.min(Math.max(spentBefore, window * perSecond) + count, most)
    // Behind all others: the first one is the first to forget.
    this.#accounts.delete(key)
    this.#accounts.set(key, { spent, perSecond })
    return Math.floor(spent / perSecond)
  }

  #forget(window: number): void {
    let looks = LOOKS_FOR_EACH_USE
    for (const [key, { spent, perSecond }] of this.#accounts) {
      const isOver = spent <= (window - 1) * perSecond || this.#accounts.size > this.#maxKeys
      if (isOver) this.#accounts.delete(key)
      looks -= 1
      if (looks === 0) return
    }
  }
}
