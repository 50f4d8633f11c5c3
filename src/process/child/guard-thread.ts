/**
 * A thread of an agent host that ends the process where it cannot do so itself, because a worker blocks it
 * (`while (true)`): when the primary is gone, and when the process takes more memory than it may. V8 bounds its
 * heap alone; buffers are outside of it.
 */
import { writeSync } from 'node:fs'
import { setInterval } from 'node:timers'
import { workerData } from 'node:worker_threads'

/** More often: less memory is taken before it is noticed. */
const LOOK_EVERY_MS = 250
/** Looks that a process which hears that the primary is gone has for its own end. */
const ORPHAN_LOOKS = 20
const STDERR = 2

const maxBytes = Number(workerData)
const parent = process.ppid
let looksAlone = 0

function end(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal)
}

function look(): void {
  looksAlone = process.ppid === parent ? 0 : looksAlone + 1
  if (looksAlone > ORPHAN_LOOKS) end('SIGKILL')
  if (process.memoryUsage.rss() <= maxBytes) return
  writeSync(
    STDERR,
    `parley: agent host ${process.pid} takes more than ${maxBytes} bytes of memory\n`,
  )
  // As V8 does when its heap is full.
  end('SIGABRT')
}

setInterval(look, LOOK_EVERY_MS)
