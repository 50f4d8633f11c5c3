/**
 * A thread of an agent host that ends the process when the primary is gone and the process does not end by
 * itself: a worker that blocks (`while (true)`) keeps it from hearing of it, and nobody else would end it.
 */
import { setInterval } from 'node:timers'

const LOOK_EVERY_MS = 1_000
/** Looks that a process which hears of it has for its own end. */
const GRACE_LOOKS = 5

const parent = process.ppid
let looksAlone = 0

setInterval(() => {
  looksAlone = process.ppid === parent ? 0 : looksAlone + 1
  if (looksAlone > GRACE_LOOKS) process.kill(process.pid, 'SIGKILL')
}, LOOK_EVERY_MS)
