import type { Clock } from './clock.ts'
import type { Member } from './member.ts'

export interface Pacing {
  stop(): void
}

/**
 * Sends through the members in turn at a fixed rate, whatever is unacknowledged. A timer that comes late
 * sends what is due, so the rate holds; the time of sending is taken when a message leaves.
 */
export function startPacing(senders: readonly Member[], perSecond: number, clock: Clock): Pacing {
  const beginning = clock()
  let sent = 0
  const timer = setInterval(
    () => {
      const due = Math.floor(((clock() - beginning) / 1_000) * perSecond)
      for (; sent < due; sent += 1) senders[sent % senders.length]?.sendOne()
    },
    Math.max(1, Math.min(10, Math.floor(500 / perSecond))),
  )
  return {
    stop: () => {
      clearInterval(timer)
    },
  }
}
