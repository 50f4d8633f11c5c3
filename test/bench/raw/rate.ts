import { performance } from 'node:perf_hooks'

export interface RatePlan {
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Existing and empty. */
  readonly dir: string
}

/** Rows per second of `writeBatch`, which answers how many it wrote, after a warm-up. */
export function measureBatches(plan: RatePlan, writeBatch: () => number): number {
  const run = (seconds: number): number => {
    const from = performance.now()
    const until = from + seconds * 1_000
    let rows = 0
    while (performance.now() < until) rows += writeBatch()
    return (rows / (performance.now() - from)) * 1_000
  }
  run(plan.warmUpSeconds)
  return run(plan.seconds)
}
