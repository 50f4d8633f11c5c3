import { eventually } from '../../cluster/support/eventually.ts'
import { rest } from '../../cluster/support/rest.ts'
import { isAlive, processesAt } from '../../cluster/support/server.ts'
import type { ServerUnderTest } from '../scenario.ts'

/** For one thing: three times 10 s until a host is found to be blocked, the pauses between, a slow machine. */
const TIMEOUT_MS = 90_000

/** What became of a blocked agent host, in milliseconds from the beginning of the watch. */
export interface HostFate {
  /** Until it was ended. */
  readonly endedAfterMs: number
  /** Until another one served. */
  readonly replacedAfterMs: number
  /** Until the worker's message was given up. */
  readonly setAsideAfterMs: number
}

async function hostPid(url: string): Promise<number | undefined> {
  const processes = await processesAt(url)
  return processes.find(({ role }) => role === 'agent-host')?.pid
}

async function isWell(url: string): Promise<boolean> {
  const { text } = await rest(url, { path: '/readyz' })
  const { problems }: { readonly problems: readonly unknown[] } = JSON.parse(text)
  return problems.length === 0
}

async function hasFailures(url: string, worker: string): Promise<boolean> {
  const path = `/api/workers/${worker}/failures`
  const { status, text } = await rest(url, { path })
  if (status !== 200) return false
  const { data }: { data: { failures: readonly unknown[] } } = JSON.parse(text)
  return data.failures.length > 0
}

/** Watches the one agent host from now until it is replaced and the worker's message is given up. */
export async function watchHost({ port }: ServerUnderTest, worker: string): Promise<HostFate> {
  const url = `http://127.0.0.1:${port}`
  const beginningMs = performance.now()
  const since = (): number => performance.now() - beginningMs
  const until = async (what: string, look: () => boolean | Promise<boolean>): Promise<number> => {
    await eventually(look, { what, timeoutMs: TIMEOUT_MS })
    return since()
  }
  const first = await hostPid(url)
  if (first === undefined) throw new Error('there is no agent host')
  const endedAfterMs = await until("the blocked host's end", () => !isAlive(first))
  const replacedAfterMs = await until('another host', async () => {
    const pid = await hostPid(url)
    return pid !== undefined && pid !== first && (await isWell(url))
  })
  const setAsideAfterMs = await until('the failure', () => hasFailures(url, worker))
  return { endedAfterMs, replacedAfterMs, setAsideAfterMs }
}
