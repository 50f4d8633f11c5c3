import type { ServerUnderTest } from '../scenario.ts'
import { busyMs, cpuMsOf } from './process-tree.ts'

/** Cores that may be busy with something that is neither server nor load. */
const MAX_OTHER_CORES = 0.5

interface CpuUse {
  readonly cpuMs: number
  readonly serverCores: number
  readonly otherCores: number
  /** Says so when something else took part of the machine. */
  readonly warnings: readonly string[]
}

export interface CpuMeter {
  /** `generatorCores` is what the load itself used meanwhile. */
  stop(generatorCores: number): Promise<CpuUse>
}

/** Watches all processes of a server, and who else uses the machine, from now until `stop`. */
export async function startCpuMeter(server: ServerUnderTest): Promise<CpuMeter> {
  const pids = await server.pids()
  const read = async () => ({ cpuMs: await cpuMsOf(pids), busyMs: await busyMs(), at: Date.now() })
  const before = await read()
  return {
    stop: async (generatorCores) => {
      const after = await read()
      const durationMs = after.at - before.at
      const cpuMs = after.cpuMs - before.cpuMs
      const serverCores = cpuMs / durationMs
      const busyCores = (after.busyMs - before.busyMs) / durationMs
      const otherCores = Math.max(0, busyCores - serverCores - generatorCores)
      const isQuiet = otherCores <= MAX_OTHER_CORES
      const words = `the machine was not quiet: ${otherCores.toFixed(1)} cores busy with something else`
      return { cpuMs, serverCores, otherCores, warnings: isQuiet ? [] : [words] }
    },
  }
}
