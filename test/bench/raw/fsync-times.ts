import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { Histogram } from '../load/histogram.ts'

const WRITE_BYTES = 4_096
const WRITE_COUNT = 500

/** What the machine's disk takes for the least durable write: an append of 4 KiB and `fdatasync`. */
export function measureFsync(dir: string): { readonly p50Ms: number; readonly p99Ms: number } {
  const file = join(dir, 'fsync')
  const descriptor = openSync(file, 'w')
  const bytes = Buffer.alloc(WRITE_BYTES, 1)
  const times = new Histogram()
  for (let index = 0; index < WRITE_COUNT; index += 1) {
    writeSync(descriptor, bytes)
    const from = performance.now()
    fdatasyncSync(descriptor)
    times.recordMs(performance.now() - from)
  }
  closeSync(descriptor)
  rmSync(file)
  return { p50Ms: times.percentileMs(0.5), p99Ms: times.percentileMs(0.99) }
}
