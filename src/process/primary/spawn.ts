import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import { setupPrimary } from '@socket.io/cluster-adapter'
import { releaseStranded } from './release-stranded.ts'
import type { Settings } from '../../config/settings.ts'
import type { ChildRole } from '../roles.ts'

/**
 * Prepares this process to start gateways from the executable `entry`.
 *
 * Round-robin: over 4 gateways, 2,000 connections that came one by one spread 500/500/500/500, and
 * 1,453/213/187/147 when the kernel chose (`SCHED_NONE`); connections live for hours here, so an
 * uneven start stays. Its one fault, a connection stranded by a SIGKILL, is dealt with.
 */
export function prepareSpawning(entry: string): void {
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({ exec: entry, args: ['gateway'], serialization: 'advanced' })
  setupPrimary()
}

/** What Node and its libraries read: nothing of it is a worker's business or a secret. */
const FOR_WORKERS =
  /^(?:PATH|HOME|USER|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|NODE_\w+|SSL_CERT_(?:FILE|DIR)|(?:HTTPS?|ALL|NO)_PROXY)$/i

/**
 * The environment of a process that runs workers: without the server's secrets and those of other workers,
 * which could be read from `process.env` otherwise, whatever `env` shows.
 */
function environmentForWorkers(): NodeJS.ProcessEnv {
  const names = Object.entries(process.env).filter(([name]) => FOR_WORKERS.test(name))
  return Object.fromEntries(names)
}

/**
 * An agent host: bounded in what its workers may keep, so that it ends by itself before the machine's memory does,
 * which would end whichever process is the largest. Last, so that it counts.
 */
function spawnAgentHost(entry: string, maxHeapMb: number): ChildProcess {
  return fork(entry, ['agent-host'], {
    serialization: 'advanced',
    env: environmentForWorkers(),
    execArgv: [...process.execArgv, `--max-old-space-size=${maxHeapMb}`],
  })
}

/** Gateways are cluster workers, so that they share the port; the others need no port. */
export function spawnProcess(
  entry: string,
  role: ChildRole,
  { agentHeapMb }: Pick<Settings, 'agentHeapMb'>,
): ChildProcess {
  if (role === 'writer') return fork(entry, [role], { serialization: 'advanced' })
  if (role === 'agent-host') return spawnAgentHost(entry, agentHeapMb)
  const worker = cluster.fork()
  releaseStranded(worker.process)
  return worker.process
}
