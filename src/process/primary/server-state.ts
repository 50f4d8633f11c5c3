import type { ProcessInfo, Readiness, WorkerInfo } from '../../service/cluster.ts'
import type { Supervisor } from './supervisor.ts'

/**
 * Whether the server may get traffic. What prevents it: the writer, all gateways, or a drain. One of
 * several gateways or an agent host being away, or a full disk, is said and prevents nothing.
 */
export function readinessOf(supervisor: Supervisor): Readiness {
  const { slots, isStopping } = supervisor
  const away = slots.filter((slot) => !slot.isReady)
  const hasWriter = away.every(({ role }) => role !== 'writer')
  const hasGateway = slots.some(({ role, isReady }) => role === 'gateway' && isReady)
  const problems = away.map(({ role }) => `a ${role} is not running; it is being restarted`)
  problems.push(...slots.flatMap(({ child }) => child?.problems ?? []))
  if (isStopping) problems.push('the server is draining')
  if (!hasGateway) problems.push('no gateway serves')
  return { isReady: hasWriter && hasGateway && !isStopping, problems }
}

/** This process and all that it started, in order of their start. */
export function processesOf(supervisor: Supervisor): readonly ProcessInfo[] {
  const primary: ProcessInfo = {
    role: 'primary',
    pid: process.pid,
    uptimeMs: Math.round(process.uptime() * 1_000),
    connections: 0,
  }
  const children = supervisor.children.map(({ role, pid, startedAtMs, connectionCount }) => ({
    role,
    pid,
    uptimeMs: Math.round(performance.now() - startedAtMs),
    connections: connectionCount,
  }))
  return [primary, ...children]
}

/** What the agent host that came last has loaded, since all load the same; undefined while none is ready. */
export function workersOf({
  children,
}: Pick<Supervisor, 'children'>): readonly WorkerInfo[] | undefined {
  const hosts = children.filter(({ role, isReady }) => role === 'agent-host' && isReady)
  return hosts.at(-1)?.workers
}
