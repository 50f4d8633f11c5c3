import { LinkCount } from './link-count.ts'
import { LOOK_INTERVAL_MS, STREAM_LIMITS } from './stream-limits.ts'

/**
 * The processes that are expected to say something: those that lost their links, and those that have a new one
 * and are to claim what is theirs. Time comes from outside.
 */
export class Owners {
  readonly #links = new LinkCount()
  readonly #deadlines = new Map<string, number>()

  back(owner: string, nowMs: number): void {
    this.#links.opened(owner)
    this.#expect(owner, nowMs)
  }

  /** True when it was the last of its links. */
  gone(owner: string, nowMs: number): boolean {
    if (!this.#links.closed(owner)) return false
    this.#expect(owner, nowMs)
    return true
  }

  isExpected(owner: string): boolean {
    return this.#deadlines.has(owner)
  }

  /** Those whose time is up, each once. */
  late(nowMs: number): readonly string[] {
    const late = [...this.#deadlines].filter(([, deadline]) => deadline <= nowMs)
    for (const [owner] of late) this.#deadlines.delete(owner)
    return late.map(([owner]) => owner)
  }

  /** The time is that of the last look, so it is one interval more. */
  #expect(owner: string, nowMs: number): void {
    this.#deadlines.set(owner, nowMs + STREAM_LIMITS.ownerGraceMs + LOOK_INTERVAL_MS)
  }
}
