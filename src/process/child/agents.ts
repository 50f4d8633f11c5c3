import { join } from 'node:path'
import type { LoadedWorker } from '../../agent/loaded-worker.ts'
import type { JoinEvent } from '../../agent/message-worker.ts'
import { AgentRuntime } from '../../agent/runtime/agent-runtime.ts'
import type { AgentWorker } from '../../agent/runtime/agent-worker.ts'
import { BegunWorkFile } from '../../agent/runtime/begun-work-file.ts'
import { limitsOf } from '../../agent/runtime/limits.ts'
import type { WorkUnderWay } from '../../agent/work-under-way.ts'
import type { WorkerScope } from '../../agent/worker-scope.ts'
import type { ChannelLog } from '../../log/log.ts'
import { DEFAULT_SERVER_ID } from '../../protocol/limits.ts'
import type { JoinNotice } from '../../protocol/model.ts'
import { Access } from '../../service/access.ts'
import { ChannelService } from '../../service/channels.ts'
import { MessageService } from '../../service/messages.ts'
import { ParticipantService } from '../../service/participants.ts'
import { Sizes } from '../../service/sizes.ts'
import type { ChildContext } from './child.ts'
import { openLinkedLog } from './open-log.ts'
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

/** elizaOS's ENTITY_JOINED. */
export function joinEvent({ channelId, entityId, serverId, metadata }: JoinNotice): JoinEvent {
  const server = serverId ?? DEFAULT_SERVER_ID
  return {
    entityId,
    channelId,
    serverId: server,
    roomId: channelId,
    worldId: server,
    metadata,
    source: 'socketio',
  }
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
  const { log, link, close } = openLinkedLog(context, 'agent-host', {
    // It follows no channel: agents read what is for them.
    onEntries: () => undefined,
    onEphemeral: () => undefined,
    onCommitted: () => {
      runtime.wake()
    },
    onJoined: (joined) => {
      runtime.join(joinEvent(joined))
    },
    onCancelled: (cancelled) => {
      runtime.cancel(cancelled)
    },
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
  const sizes = new Sizes(start.settings)
  const runtime = new AgentRuntime({
    workers: [],
    log,
    services: {
      access: new Access(log),
      channels: new ChannelService(log, logger, sizes),
      messages: new MessageService(log, logger, sizes),
      participants: new ParticipantService(log),
      sizes,
    },
    limits: limitsOf(start.settings),
    tellTyping: (signal) => {
      log.publish({ kind: 'typing', ...signal })
    },
    underWay,
    asWorker: (worker, run) => scope.run(worker.logger, run),
    openBegunWork: () => new BegunWorkFile(join(start.dataDir, `agent-host-${slot}.begun`), logger),
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
