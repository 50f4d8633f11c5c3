import { ENGINE_LIMITS } from './limits.ts'
import type { WriteStore } from './store.ts'

/**
 * Erases one slice of what clearing or deleting channels left behind, of one large channel or of many
 * small ones; false when nothing is left. Readers see none of it either way. How far it came is in
 * the store, so a crash loses no work.
 */
export function sweepSlice(store: WriteStore): boolean {
  let rows: number = ENGINE_LIMITS.sweepRows
  for (;;) {
    const channel = store.unsweptChannel()
    if (channel === undefined) return false
    if (rows === 0) return true
    const { key, sweptSeq, clearedSeq } = channel
    const upTo = Math.min(sweptSeq + rows, clearedSeq)
    const span = { channelKey: key, after: sweptSeq, upTo }
    store.eraseBodies(span)
    // A reason may quote the message.
    store.inbox.eraseFailures(span)
    store.saveChannel({ ...channel, sweptSeq: upTo })
    rows -= upTo - sweptSeq
  }
}
