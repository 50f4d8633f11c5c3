import type { Quotas } from '../../signals/signals.ts'
import { RateLimited } from './rate-limited.ts'
import type { LimitName } from './rate-limited.ts'

const WINDOW_MS = 1_000

/**
 * Events in a second, refused ones among them, as a multiple of what a connection may send. Past it the
 * transport is closed with 4101: answering each would be a flood of its own.
 */
const FLOOD_FACTOR = 10

/** What an entity may use together, on all its connections and over REST. */
export interface EntityQuota {
  readonly key: string
  readonly perSecond: number
}

export interface EventMeterOptions {
  readonly perSecond: number
  /** Undefined: the sender is not held to a limit of its entity. */
  readonly entity: EntityQuota | undefined
  readonly quotas: Quotas
  readonly nowMs: () => number
  readonly onRefused: (limit: LimitName) => void
  /** Called once: the connection is to be closed. */
  readonly onFlood: () => void
}

/**
 * Counts the events of one connection in seconds, and decides at once: what is accepted keeps its order.
 *
 * Costs a clock reading and a few numbers for each event, and no object; all refusals of a second are the
 * same error, because taking a stack for each would cost more than everything else.
 */
export class EventMeter {
  readonly #options: EventMeterOptions
  #window = -1
  /** In this window, refused ones too. */
  #seen = 0
  #accepted = 0
  #refusal: RateLimited | undefined
  #isFlooding = false

  constructor(options: EventMeterOptions) {
    this.#options = options
  }

  /** Undefined: the event may be carried out. Otherwise what it is refused with, before anything looks at it. */
  take(): RateLimited | undefined {
    const { perSecond, nowMs, entity } = this.#options
    const now = nowMs()
    const window = Math.floor(now / WINDOW_MS)
    if (window !== this.#window) this.#turn(window)
    this.#seen += 1
    if (this.#accepted >= perSecond) {
      return this.#refuse('events', perSecond, (window + 1) * WINDOW_MS - now)
    }
    if (entity !== undefined) {
      const waitMs = this.#options.quotas.take(entity.key, entity.perSecond)
      if (waitMs > 0) return this.#refuse('entity-events', entity.perSecond, waitMs)
    }
    this.#accepted += 1
    return undefined
  }

  #turn(window: number): void {
    this.#window = window
    this.#seen = 0
    this.#accepted = 0
    this.#refusal = undefined
  }

  #refuse(limit: LimitName, perSecond: number, waitMs: number): RateLimited {
    const { onRefused, onFlood } = this.#options
    onRefused(limit)
    if (this.#seen > this.#options.perSecond * FLOOD_FACTOR && !this.#isFlooding) {
      this.#isFlooding = true
      onFlood()
    }
    this.#refusal ??= new RateLimited(perSecond, waitMs)
    return this.#refusal
  }
}
