import { setTimeout as delay } from 'node:timers/promises'
import { loadWorkers } from '../../agent/load-workers.ts'
import type { LoadedWorkers } from '../../agent/load-workers.ts'
import { ownerSlot } from '../../agent/owner-slot.ts'
import { registerHooks } from '../../agent/register-hooks.ts'
import { Scheduler } from '../../agent/scheduler.ts'
import { WorkUnderWay } from '../../agent/work-under-way.ts'
import { WorkerScope } from '../../agent/worker-scope.ts'
import type { WorkerInfo } from '../../service/cluster.ts'
import type { ChildContext, RunningChild } from './child.ts'
import { openAgents } from './agents.ts'
import type { Agents } from './agents.ts'
import { guardProcess } from './guard.ts'
import { openPrivateListener } from '../gateway/private-listener.ts'
import type { PrivateListener } from '../gateway/private-listener.ts'
import type { AgentHostStart } from '../messages.ts'
import { HostRequests } from '../workers/host-requests.ts'
import { createRefuse } from '../workers/refuse.ts'

/**
 * How long a host that is to end still takes requests: until every gateway has heard that there is another.
 */
const LINGER_MS = 250

const NOTHING: AgentHostStart = { slot: 0, environment: {}, excluded: {} }

/** Says what became of every module: each line once, by the host that owns the worker. */
function report(loaded: LoadedWorkers, isOwn: (name: string) => boolean): void {
  for (const worker of loaded.workers.values()) {
    const { file, handlers, crons, hints, logger } = worker
    const level = isOwn(worker.name) ? 'info' : 'debug'
    logger[level]({ file, handlers, crons }, 'worker loaded')
    for (const hint of hints)
      if (level === 'info') logger.warn({ file, hint }, 'worker loaded, but')
  }
}

function reportProblems(
  { logger }: ChildContext,
  infos: readonly WorkerInfo[],
  isOwn: (name: string) => boolean,
): void {
  for (const { name, file, problem } of infos) {
    if (problem === undefined) continue
    logger[isOwn(name) ? 'error' : 'debug']({ worker: name, file, problem }, 'worker not loaded')
  }
}

interface Parts {
  readonly context: ChildContext
  readonly underWay: WorkUnderWay
  readonly scheduler: Scheduler
  readonly agents: Agents
  readonly requests: HostRequests
  readonly listener: PrivateListener
}

/** No run begins any more; requests that come or are under way are answered, for at most `PARLEY_DRAIN_MS`. */
async function drain(parts: Parts): Promise<void> {
  const { context, underWay, scheduler, agents, requests, listener } = parts
  const { drainMs } = context.start.settings
  const limit = new AbortController()
  const timeLimit = delay(drainMs, undefined, { signal: limit.signal }).catch(() => undefined)
  scheduler.stop()
  const agentsEnded = agents.drain(drainMs)
  requests.end()
  const finish = async (): Promise<void> => {
    await delay(LINGER_MS)
    await underWay.ended()
  }
  await Promise.race([finish(), timeLimit])
  limit.abort()
  await agentsEnded
  underWay.abortAll('the process ends')
  listener.close()
}

async function load(context: ChildContext, scope: WorkerScope): Promise<LoadedWorkers> {
  const { start, link, logger } = context
  const { environment, excluded } = start.agentHost ?? NOTHING
  guardProcess(logger, start.settings.agentHeapMb)
  registerHooks()
  scope.takeConsole()
  // A timer or a forgotten promise of one worker: to end for it would end what all the others do, and the
  // next process loads the same module.
  context.forgive((error) => {
    scope.logger.error({ err: error }, 'worker threw where nobody catches it')
  })
  const loaded = await loadWorkers({
    folder: start.settings.workersDir,
    environment,
    excluded,
    logger,
    onImport: (file) => link.send({ parley: 'importing', file }),
    importModule: (url, { name }) =>
      scope.run(logger.child({ worker: name, agentName: name }), () => import(url)),
  })
  await link.send({ parley: 'importing', file: undefined })
  await link.send({ parley: 'workers', workers: loaded.infos })
  return loaded
}

/**
 * Runs the modules of the workers folder: every host loads all of them and answers requests for any, and
 * what only one may do for a worker is done by the host that owns it while it leads its slot.
 */
export async function composeAgentHost(context: ChildContext): Promise<RunningChild> {
  const { start, link, logger } = context
  const { settings } = start
  const { slot } = start.agentHost ?? NOTHING
  const isOwn = (name: string): boolean => ownerSlot(name, settings.agentHosts) === slot
  const scope = new WorkerScope(logger)
  const loaded = await load(context, scope)
  report(loaded, isOwn)
  reportProblems(context, loaded.infos, isOwn)
  const underWay = new WorkUnderWay()
  const all = [...loaded.workers.values()]
  const agents = openAgents(context, { workers: all, isOwn, slot, underWay, scope })
  const scheduler = new Scheduler({
    workers: all.filter(({ name }) => isOwn(name)),
    underWay,
    asWorker: (worker, run) => scope.run(worker.logger, run),
  })
  link.onMessage(({ parley }) => {
    if (parley !== 'lead') return
    scheduler.start()
    agents.start()
  })
  const requests = new HostRequests({
    workers: loaded.workers,
    underWay,
    scope,
    refuse: createRefuse(settings.corsOrigin),
    trustProxy: settings.trustProxy,
  })
  const listener = await openPrivateListener(start.privateSocketPath, (request, response) => {
    requests.serve(request, response)
  })
  return {
    connectionCount: () => underWay.callCount,
    drain: () => drain({ context, underWay, scheduler, agents, requests, listener }),
  }
}
