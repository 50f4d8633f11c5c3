import type { HeldPayload } from './quota-wire.ts'
import type { Wanted } from './signals.ts'

/**
 * What one gateway holds, by key, and of which of it the hub may think otherwise.
 *
 * Its size is bounded by the connections of the gateway.
 */
export class HeldQuotas {
  readonly #counts = new Map<string, number>()
  readonly #dirty = new Set<string>()

  /** Counts one more of each, or returns the first that this gateway alone has as many of as there may be. */
  add(wanted: readonly Wanted[]): Wanted | undefined {
    const full = wanted.find(({ key, max }) => (this.#counts.get(key) ?? 0) >= max)
    if (full !== undefined) return full
    for (const { key } of wanted) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    return undefined
  }

  /** Takes one of each back; the hub is to be told. */
  remove(wanted: readonly Wanted[]): void {
    for (const { key } of wanted) {
      const count = (this.#counts.get(key) ?? 0) - 1
      if (count > 0) this.#counts.set(key, count)
      else this.#counts.delete(key)
    }
    this.doubt(wanted)
  }

  /** The hub may have counted these or not. */
  doubt(wanted: readonly Wanted[]): void {
    for (const { key } of wanted) this.#dirty.add(key)
  }

  all(): HeldPayload {
    this.#dirty.clear()
    return [...this.#counts]
  }

  /** What the hub is to be told; from now on it counts as told. */
  takeChanges(): HeldPayload {
    const changes = [...this.#dirty].map((key) => [key, this.#counts.get(key) ?? 0] as const)
    this.#dirty.clear()
    return changes
  }
}
