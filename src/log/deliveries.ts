import type { Entry, Ephemeral } from '../protocol/model.ts'
import type { Delivery } from './attachment.ts'
import type { Applied } from './engine.ts'

/** Groups a batch by channel; a frame ends its channel's run, so that it stays between its neighbours. */
export function deliveriesOf(
  items: readonly { readonly frames: readonly Ephemeral[] }[],
  results: readonly Applied[],
): readonly Delivery[] {
  const deliveries: Delivery[] = []
  const open = new Map<string, Entry[]>()
  for (const [index, { frames }] of items.entries()) {
    const result = results[index]
    if (result !== undefined && !('error' in result)) {
      for (const entry of result.entries) {
        const run = open.get(entry.channelId)
        if (run === undefined) {
          const entries = [entry]
          open.set(entry.channelId, entries)
          deliveries.push({ channelId: entry.channelId, entries })
        } else run.push(entry)
      }
    }
    for (const frame of frames) {
      open.delete(frame.channelId)
      deliveries.push(frame)
    }
  }
  return deliveries
}
