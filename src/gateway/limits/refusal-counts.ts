import type { Logger } from '../../telemetry/logger.ts'
import { LIMIT_NAMES } from './rate-limited.ts'
import type { LimitName } from './rate-limited.ts'

/** Milliseconds for which the refusals of one limit share a log line. */
const LINE_EVERY_MS = 60_000

interface Tally {
  total: number
  /** Since the last line. */
  recent: number
  /** Whom the first of them was for. */
  firstKey: string
  timer: NodeJS.Timeout | undefined
}

/**
 * Counts refusals by limit, and writes one line for each limit and minute in which there were any: a flood
 * of refusals is no flood of lines.
 */
export class RefusalCounts {
  readonly #logger: Logger
  readonly #tallies: ReadonlyMap<LimitName, Tally>

  constructor(logger: Logger) {
    this.#logger = logger
    this.#tallies = new Map(
      LIMIT_NAMES.map((name) => [
        name,
        { total: 0, recent: 0, firstKey: '', timer: undefined } satisfies Tally,
      ]),
    )
  }

  /** `key` says who was refused, for the log. */
  add(limit: LimitName, key: string): void {
    const tally = this.#tallies.get(limit)
    if (tally === undefined) return
    tally.total += 1
    tally.recent += 1
    if (tally.timer !== undefined) return
    tally.firstKey = key
    tally.timer = setTimeout(() => this.#write(limit, tally), LINE_EVERY_MS)
    tally.timer.unref()
  }

  /** Refusals since the start, by limit. */
  totals(): Readonly<Record<LimitName, number>> {
    const totals = LIMIT_NAMES.map((name) => [name, this.#tallies.get(name)?.total ?? 0] as const)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every name is among the entries
    return Object.fromEntries(totals) as Record<LimitName, number>
  }

  /** Writes what is not written yet. */
  close(): void {
    for (const [limit, tally] of this.#tallies) {
      if (tally.timer !== undefined) this.#write(limit, tally)
    }
  }

  #write(limit: LimitName, tally: Tally): void {
    clearTimeout(tally.timer)
    tally.timer = undefined
    const { recent: count, firstKey } = tally
    tally.recent = 0
    this.#logger.warn({ limit, count, firstKey }, 'limit reached')
  }
}
