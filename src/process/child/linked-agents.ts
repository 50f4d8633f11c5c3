import { join } from 'node:path'
import type { JoinEvent } from '../../agent/message-worker.ts'
import { AgentRuntime } from '../../agent/runtime/agent-runtime.ts'
import type { AgentRuntimeOptions } from '../../agent/runtime/agent-runtime.ts'
import { BegunWorkFile } from '../../agent/runtime/begun-work-file.ts'
import { limitsOf } from '../../agent/runtime/limits.ts'
import { DEFAULT_SERVER_ID } from '../../protocol/limits.ts'
import type { JoinNotice } from '../../protocol/model.ts'
import { Access } from '../../service/access.ts'
import { ChannelService } from '../../service/channels.ts'
import { MessageService } from '../../service/messages.ts'
import { ParticipantService } from '../../service/participants.ts'
import { Sizes } from '../../service/sizes.ts'
import { openLinkedLog } from './open-log.ts'
import type { LinkedLog, LinkedLogContext } from './open-log.ts'

export interface LinkedAgentsOptions extends Pick<AgentRuntimeOptions, 'underWay' | 'asWorker'> {
  /** In the data directory: remembers what is begun. No two processes have the same at a time. */
  readonly begunFile: string
  /** Somebody joined a channel; the agents are told as well. */
  readonly onJoined?: (joined: JoinNotice) => void
  /** Agents were added, changed, stopped or started. */
  readonly onAgentsChanged: () => void
}

/** A process's agents, none at first, and the log that they work for. */
export interface LinkedAgents extends LinkedLog {
  readonly runtime: AgentRuntime
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

/** Connects what runs agents to the log; neither the link nor the agents are started. */
export function openLinkedAgents(
  context: LinkedLogContext,
  { begunFile, onJoined, onAgentsChanged, ...options }: LinkedAgentsOptions,
): LinkedAgents {
  const { logger, start } = context
  const linked = openLinkedLog(context, 'agent-host', {
    // It follows no channel: agents read what is for them.
    onEntries: () => undefined,
    onEphemeral: () => undefined,
    onCommitted: () => {
      runtime.wake()
    },
    onJoined: (joined) => {
      onJoined?.(joined)
      runtime.join(joinEvent(joined))
    },
    onCancelled: (cancelled) => {
      runtime.cancel(cancelled)
    },
    onAgentsChanged,
  })
  const { log } = linked
  const sizes = new Sizes(start.settings)
  const runtime = new AgentRuntime({
    ...options,
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
    openBegunWork: () => new BegunWorkFile(join(start.dataDir, begunFile), logger),
  })
  return { ...linked, runtime }
}
