import { processesAt } from '../../cluster/support/server.ts'
import type { ServerUnderTest, Values } from '../scenario.ts'
import { cpuMsOf } from './process-tree.ts'

const ROLES = ['primary', 'writer', 'agent-host', 'gateway'] as const

const nameOf = (role: string): string =>
  role.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

interface Used {
  readonly role: string
  readonly cpuMs: number
}

/** What each process of Parley takes, from now until `stop`, in cores. */
export interface RoleMeter {
  /** `writerCores`, `agentHostCores` …: of all processes of the role; `busiestGatewayCores`: of one. */
  stop(): Promise<Values>
}

export async function startRoleMeter({ port }: ServerUnderTest): Promise<RoleMeter> {
  const processes = await processesAt(`http://127.0.0.1:${port}`)
  const read = (): Promise<Used[]> =>
    Promise.all(processes.map(async ({ role, pid }) => ({ role, cpuMs: await cpuMsOf([pid]) })))
  const before = await read()
  const beginningMs = performance.now()
  return {
    stop: async () => {
      const after = await read()
      const durationMs = performance.now() - beginningMs
      const cores = after.map(({ role, cpuMs }, index) => ({
        role,
        cores: (cpuMs - (before[index]?.cpuMs ?? 0)) / durationMs,
      }))
      const of = (role: string): number[] =>
        cores.filter((one) => one.role === role).map((one) => one.cores)
      return {
        ...Object.fromEntries(
          ROLES.map((role) => [
            `${nameOf(role)}Cores`,
            of(role).reduce((sum, one) => sum + one, 0),
          ]),
        ),
        busiestGatewayCores: Math.max(...of('gateway')),
      }
    },
  }
}
