import { setTimeout as delay } from 'node:timers/promises'

export interface EventuallyOptions {
  /** What is waited for, for the message when it does not come. */
  readonly what: string
  readonly timeoutMs?: number
  /** True when it can no longer come. */
  readonly isOver?: () => boolean
  /** What happened instead. */
  readonly explain?: () => string
}

const LOOK_EVERY_MS = 25

/**
 * Looks until there is something, for what other processes do and send no event about. A look that
 * throws (a connection refused, while a process restarts) counts as nothing yet.
 */
export async function eventually<Value>(
  look: () => Value | undefined | false | Promise<Value | undefined | false>,
  options: EventuallyOptions,
): Promise<Value> {
  const { what, timeoutMs = 20_000, isOver = () => false, explain = () => '' } = options
  const deadlineMs = performance.now() + timeoutMs
  let lastError: unknown
  while (performance.now() < deadlineMs) {
    const wasOver = isOver()
    try {
      const found = await look()
      if (found !== undefined && found !== false) return found
    } catch (error) {
      lastError = error
    }
    if (wasOver) break
    await delay(LOOK_EVERY_MS)
  }
  throw new Error(`did not come: ${what}\n${explain()}`, { cause: lastError })
}
