import { chunkOf, WINDOW_MS } from './quota-wire.ts'
import type { Block, Use } from './quota-wire.ts'

export interface RateWindowsOptions {
  /** Milliseconds of a clock that all gateways share. */
  readonly nowMs: () => number
  /** Takes uses that the others have to know of. */
  readonly report: (use: Use) => void
  /**
   * Most keys that are counted in a second, and most that are blocked. Past it a new key is not counted:
   * what holds every connection still does. More: that many more strangers at a time, about 200 bytes each.
   */
  readonly maxKeys?: number
}

interface Uses {
  /** In this window, on this gateway. */
  count: number
  /** Of them and of those of the window before: not reported yet. */
  unreported: number
}

const DEFAULT_MAX_KEYS = 100_000

/**
 * Counts the uses of keys on this gateway in seconds, and decides at once.
 *
 * What is used is reported in chunks; a block comes back when all gateways together have reached the
 * limit. Keys that nobody uses are forgotten after a second, without a timer: one set of counts is
 * filled, the one before is kept for its remainders and then dropped as a whole.
 */
export class RateWindows {
  readonly #options: RateWindowsOptions
  readonly #maxKeys: number
  #window = -1
  #uses = new Map<string, Uses>()
  #usesBefore: ReadonlyMap<string, Uses> = new Map()
  /** By key, the window before which nothing is allowed. */
  readonly #blocked = new Map<string, number>()

  constructor(options: RateWindowsOptions) {
    this.#options = options
    this.#maxKeys = options.maxKeys ?? DEFAULT_MAX_KEYS
  }

  /** 0: allowed, and counted. Otherwise the milliseconds after which it may be tried again. */
  take(key: string, perSecond: number): number {
    const nowMs = this.#options.nowMs()
    const window = Math.floor(nowMs / WINDOW_MS)
    if (window !== this.#window) this.#turn(window)
    const untilWindow = this.#blocked.size === 0 ? undefined : this.#blocked.get(key)
    if (untilWindow !== undefined && untilWindow > window) return untilWindow * WINDOW_MS - nowMs
    const uses = this.#usesOf(key)
    if (uses === undefined) return 0
    if (uses.count >= perSecond) return (window + 1) * WINDOW_MS - nowMs
    uses.count += 1
    uses.unreported += 1
    if (uses.unreported >= chunkOf(perSecond)) {
      this.#options.report([key, window, uses.unreported, perSecond])
      uses.unreported = 0
    }
    return 0
  }

  /** The gateways together have used what the key may use. */
  block([key, untilWindow]: Block): void {
    if (this.#blocked.size < this.#maxKeys || this.#blocked.has(key)) {
      this.#blocked.set(key, untilWindow)
    }
  }

  #usesOf(key: string): Uses | undefined {
    const known = this.#uses.get(key)
    if (known !== undefined) return known
    if (this.#uses.size >= this.#maxKeys) return undefined
    const uses = { count: 0, unreported: this.#usesBefore.get(key)?.unreported ?? 0 }
    this.#uses.set(key, uses)
    return uses
  }

  #turn(window: number): void {
    this.#usesBefore = window === this.#window + 1 ? this.#uses : new Map()
    this.#uses = new Map()
    this.#window = window
    for (const [key, untilWindow] of this.#blocked) {
      if (untilWindow <= window) this.#blocked.delete(key)
    }
  }
}
