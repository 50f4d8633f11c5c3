import { mkdir, readdir, rename } from 'node:fs/promises'
import path from 'node:path'
import type { RunOptions, ServerUnderTest } from '../scenario.ts'
import { spawnServer } from './spawned-server.ts'

interface ProcessInfo {
  readonly role: string
  readonly pid: number
}

const REQUEST_TIMEOUT_MS = 2_000

async function getJson<Body>(url: string): Promise<Body | undefined> {
  const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
  const body = await response.text()
  return response.ok ? (JSON.parse(body) as Body) : undefined
}

/** Gives the profiles in `dir` the names of their processes' roles: `writer-1234.cpuprofile`, and of its threads. */
async function nameProfiles(dir: string, processes: readonly ProcessInfo[]): Promise<void> {
  for (const name of await readdir(dir)) {
    const [, pid, thread] = /^CPU\.\d+\.\d+\.(\d+)\.(\d+)\..*\.cpuprofile$/.exec(name) ?? []
    const role = processes.find((one) => String(one.pid) === pid)?.role
    if (role === undefined) continue
    const ofThread = thread === '0' ? '' : `-thread-${thread}`
    await rename(path.join(dir, name), path.join(dir, `${role}-${pid}${ofThread}.cpuprofile`))
  }
}

/** Node hands its flags on to forked processes, so every role is profiled. */
function profileFlags(dir: string | undefined): readonly string[] {
  return dir === undefined ? [] : ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${dir}`]
}

/**
 * The real executable as a user starts it: durability full, every gateway, the writer and the agent
 * host. Only the log level differs from the defaults, and the time that a stop may take.
 */
export async function startParley(
  options: RunOptions,
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerUnderTest> {
  const { profileDir } = options
  let processes: readonly ProcessInfo[] = []
  if (profileDir !== undefined) await mkdir(profileDir, { recursive: true })
  return spawnServer({
    kind: 'parley',
    args: () => [...profileFlags(profileDir), options.entry],
    environment: (port, dir) => ({
      PARLEY_PORT: String(port),
      PARLEY_DATA_DIR: path.join(dir, 'data'),
      PARLEY_GATEWAYS: String(options.gatewayCount),
      PARLEY_LOG_LEVEL: 'warn',
      PARLEY_DRAIN_MS: '1000',
      ...environment,
    }),
    isReady: async (port) => {
      const origin = `http://127.0.0.1:${port}`
      const readiness = await getJson<{ readonly problems: readonly string[] }>(`${origin}/readyz`)
      if (readiness === undefined || readiness.problems.length > 0) return false
      const cluster = await getJson<{ readonly data: { readonly processes: ProcessInfo[] } }>(
        `${origin}/api/server/cluster`,
      )
      processes = cluster?.data.processes ?? []
      return true
    },
    onClosed: async () => {
      if (profileDir !== undefined) await nameProfiles(profileDir, processes)
    },
  })
}
