import { performance } from 'node:perf_hooks'

/**
 * Milliseconds of the machine's monotonic clock: the same in every process, so that the time at which
 * one process sent a message can be taken from the time at which another received it.
 */
export type Clock = () => number

export function createClock(): Clock {
  const originMs = Number(process.hrtime.bigint() / 1_000n) / 1_000 - performance.now()
  return () => originMs + performance.now()
}
