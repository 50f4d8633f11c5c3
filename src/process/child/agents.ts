import { join } from 'node:path'
import type { LoadedWorker } from '../../agent/loaded-worker.ts'
import type { JoinEvent } from '../../agent/message-worker.ts'
import { AgentRuntime } from '../../agent/runtime/agent-runtime.ts'
import type { AgentWorker } from '../../agent/runtime/agent-worker.ts'
import { BegunWorkFile } from '../../agent/runtime/begun-work-file.ts'
import type { WorkUnderWay } from '../../agent/work-under-way.ts'
import type { WorkerScope } from '../../agent/worker-scope.ts'
import { DEFAULT_SERVER_ID } from '../../protocol/limits.ts'
import type { JoinNotice } from '../../protocol/model.ts'
import { Access } from '../../service/access.ts'
import { ChannelService } from '../../service/channels.ts'
import { MessageService } from '../../service/messages.ts'
import { ParticipantService } from '../../service/participants.ts'
import { Sizes } from '../../service/sizes.ts'
import type { ChildContext } from './child.ts'
import { openLinkedLog } from './open-log.ts'

export interface AgentsOptions {
  /** Those that this process owns. */
  readonly workers: readonly LoadedWorker[]
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
function joinEvent({ channelId, entityId, serverId, metadata }: JoinNotice): JoinEvent {
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

/** Connects the agents of this process to the log. Where there is none, nothing is opened. */
export function openAgents(context: ChildContext, options: AgentsOptions): Agents {
  const workers = options.workers.filter(isAgent)
  if (workers.length === 0) return { start: () => undefined, drain: () => Promise.resolve() }
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
  })
  const sizes = new Sizes(start.settings)
  const runtime = new AgentRuntime({
    workers,
    log,
    services: {
      access: new Access(log),
      channels: new ChannelService(log, logger, sizes),
      messages: new MessageService(log, logger, sizes),
      participants: new ParticipantService(log),
    },
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
      runtime.start()
    },
    drain: async (drainMs) => {
      const drained = runtime.drain(drainMs)
      logger.debug('agents take nothing more')
      await drained
      await close()
    },
  }
}
