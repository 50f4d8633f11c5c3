import type { LoadedWorker } from '../../agent/loaded-worker.ts'
import type { AgentWorker } from '../../agent/runtime/agent-worker.ts'
import type { WorkUnderWay } from '../../agent/work-under-way.ts'
import type { WorkerScope } from '../../agent/worker-scope.ts'
import type { ChannelLog } from '../../log/log.ts'
import type { ChildContext } from './child.ts'
import { openLinkedAgents } from './linked-agents.ts'
import { OwnAgents } from './own-agents.ts'
import { RegistryWatch } from './registry-watch.ts'
import { openWebhookAgents } from './webhook-agents.ts'

export interface AgentsOptions {
  /** All that are loaded. */
  readonly workers: readonly LoadedWorker[]
  /** Whether this process owns a worker, by its name, or an agent that is called over HTTP, by its id. */
  readonly isOwn: (name: string) => boolean
  readonly slot: number
  readonly underWay: WorkUnderWay
  readonly scope: WorkerScope
}

/** The agents of an agent host. */
export interface Agents {
  /** Begins to hand out messages; once no other process works for the same agents. */
  start(): void
  drain(drainMs: number): Promise<void>
}

const isAgent = (worker: LoadedWorker): worker is LoadedWorker & AgentWorker =>
  worker.agent !== undefined

interface RegistryParts {
  readonly log: ChannelLog
  readonly onRead: (workers: readonly AgentWorker[]) => void
}

/** What tells which agents are to run. */
function openRegistry(
  { logger, start }: ChildContext,
  { workers, isOwn }: AgentsOptions,
  { log, onRead }: RegistryParts,
) {
  const { agents: fixed, webhookAllow: allow } = start.settings
  const webhooks = openWebhookAgents({ log, allow, logger })
  const modules = workers.filter(isAgent)
  const own = new OwnAgents({
    log,
    modules: modules.filter(({ name }) => isOwn(name)),
    taken: new Set(modules.map(({ agent }) => agent.id)),
    fixed,
    isOwn,
    createWorker: (agent) => webhooks.createWorker(agent),
  })
  return { webhooks, registry: new RegistryWatch({ read: () => own.read(), onRead, logger }) }
}

/** Connects the agents of this process to the log: its modules, and those that it calls over HTTP. */
export function openAgents(context: ChildContext, options: AgentsOptions): Agents {
  const { logger, start } = context
  const { underWay, scope, slot } = options
  const { runtime, log, link, close } = openLinkedAgents(context, {
    underWay,
    asWorker: (worker, run) => scope.run(worker.logger, run),
    begunFile: `agent-host-${slot}.begun`,
    onAgentsChanged: () => {
      registry.wake()
    },
  })
  const { registry, webhooks } = openRegistry(context, options, {
    log,
    onRead: (workers) => {
      runtime.setWorkers(workers, start.settings.drainMs)
      runtime.start()
    },
  })
  link.start()
  return {
    start: () => {
      registry.start()
    },
    drain: async (drainMs) => {
      registry.stop()
      const drained = runtime.drain(drainMs)
      logger.debug('agents take nothing more')
      await drained
      webhooks.close()
      await close()
    },
  }
}
