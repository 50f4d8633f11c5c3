import { measureEngine } from './engine-rate.ts'
import { measureFsync } from './fsync-times.ts'
import { measurePlainInserts } from './plain-inserts.ts'
import type { RatePlan } from './rate.ts'
import { measureRemoteLog } from './remote-rate.ts'

/** A process of its own, since most of it blocks: told a plan over IPC, it answers with the rates. */
async function measure(plan: RatePlan): Promise<Readonly<Record<string, number>>> {
  const { p50Ms, p99Ms } = measureFsync(plan.dir)
  return {
    rowsPerSecond: measurePlainInserts(plan),
    engineRowsPerSecond: measureEngine(plan),
    remoteRowsPerSecond: await measureRemoteLog(plan),
    fsyncP50Ms: p50Ms,
    fsyncP99Ms: p99Ms,
  }
}

process.once('message', (plan: RatePlan) => {
  void measure(plan).then((values) => process.send?.(values, () => process.disconnect()))
})
