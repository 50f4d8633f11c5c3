import { LogRing } from '../../telemetry/log-ring.ts'
import type { ManagedChild } from './managed-child.ts'

/** Batches that may be under way to one gateway; past it the gateway misses lines, so memory stays bounded. */
const MAX_BATCHES_UNDER_WAY = 50

/** The primary's end of the log stream: keeps the last lines and passes new ones to whoever watches. */
export class LogHub {
  readonly #ring = new LogRing()
  readonly #watchers = new Map<ManagedChild, { underWay: number }>()

  /** Lines of any process, the primary included; each line comes here once. */
  push(lines: readonly string[]): void {
    this.#ring.push(lines)
    for (const [child, state] of this.#watchers) {
      if (child.hasExited) this.#watchers.delete(child)
      else if (state.underWay < MAX_BATCHES_UNDER_WAY) {
        state.underWay += 1
        child.sendThen({ parley: 'log-lines', lines }, () => {
          state.underWay -= 1
        })
      }
    }
  }

  setWatching(child: ManagedChild, isWatching: boolean): void {
    if (!isWatching) {
      this.#watchers.delete(child)
      return
    }
    if (this.#watchers.has(child) || child.hasExited) return
    this.#watchers.set(child, { underWay: 0 })
  }

  lines(): readonly string[] {
    return this.#ring.lines()
  }

  clear(): void {
    this.#ring.clear()
  }
}
