import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'

/** Where and when a run was made. */
export interface Machine {
  readonly cores: number
  readonly cpuModel: string
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
  /** ISO time of the start. */
  readonly startedAt: string
  /** Of the last minute before the start: above 0.5 something else was running. */
  readonly loadAverageAtStart: number
}

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version,
    startedAt: new Date().toISOString(),
    loadAverageAtStart: loadavg()[0] ?? 0,
  }
}
