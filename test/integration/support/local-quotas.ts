import { HeldQuotas } from '../../../src/signals/held-quotas.ts'
import { RateWindows } from '../../../src/signals/rate-windows.ts'
import type { Quotas } from '../../../src/signals/signals.ts'

/** Quotas of a gateway that is alone: nothing is told to anybody. */
export function createLocalQuotas(nowMs: () => number = () => performance.now()): Quotas {
  const rates = new RateWindows({ nowMs, report: () => undefined })
  const held = new HeldQuotas()
  return {
    take: (key, perSecond) => rates.take(key, perSecond),
    hold: async (wanted) => {
      const refused = held.add(wanted)
      return { refused, release: () => held.remove(wanted) }
    },
  }
}
