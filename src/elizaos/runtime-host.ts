import { join } from 'node:path'
import { AgentRuntime } from '../agent/runtime/agent-runtime.ts'
import { BegunWorkFile } from '../agent/runtime/begun-work-file.ts'
import { limitsOf } from '../agent/runtime/limits.ts'
import { WorkUnderWay } from '../agent/work-under-way.ts'
import type { ChannelLog, FeedConsumer } from '../log/log.ts'
import { joinEvent } from '../process/child/agents.ts'
import { openLinkedLog } from '../process/child/open-log.ts'
import { openTelemetry } from '../process/child/open-telemetry.ts'
import { RegistryWatch } from '../process/child/registry-watch.ts'
import type { EmbeddedStart, ToEmbedded } from '../process/embedded.ts'
import type { JoinNotice } from '../protocol/model.ts'
import { Access } from '../service/access.ts'
import { ChannelService } from '../service/channels.ts'
import { stoppedIn } from '../service/http-agents.ts'
import { MessageService } from '../service/messages.ts'
import { ParticipantService } from '../service/participants.ts'
import { Sizes } from '../service/sizes.ts'
import type { Logger } from '../telemetry/logger.ts'
import { newId } from '../util/new-id.ts'
import type { ElizaRuntime } from './eliza-runtime.ts'
import { RegisteredRuntimes } from './registered-runtimes.ts'
import { createRuntimeWorker } from './runtime-worker.ts'
import { workerInfos } from './worker-infos.ts'

export interface RuntimeHostOptions {
  readonly start: EmbeddedStart
  readonly tell: (message: ToEmbedded) => Promise<void>
  readonly onJoined: (joined: JoinNotice) => void
  /** This process's copy of what the server has written is not the server's any more. */
  readonly fail: (error: unknown) => void
}

/** The runtimes of this process, as agents of a server. */
export interface RuntimeHost {
  /** Resolves when what is said from now on reaches it. @throws what the log refuses. */
  add(runtime: ElizaRuntime): Promise<void>
  /** It takes nothing more, and finishes what it has begun. */
  remove(runtime: ElizaRuntime): void
  close(): Promise<void>
}

/** What hears of the log's events. */
type Consumer = Pick<FeedConsumer, 'onCommitted' | 'onJoined' | 'onCancelled' | 'onAgentsChanged'>

function openLog({ start, fail }: RuntimeHostOptions, logger: Logger, consumer: Consumer) {
  return openLinkedLog({ start, logger, fail }, 'agent-host', {
    onEntries: () => undefined,
    onEphemeral: () => undefined,
    ...consumer,
  })
}

function createAgents(log: ChannelLog, { settings, dataDir }: EmbeddedStart, logger: Logger) {
  const sizes = new Sizes(settings)
  return new AgentRuntime({
    workers: [],
    log,
    services: {
      access: new Access(log),
      channels: new ChannelService(log, logger, sizes),
      messages: new MessageService(log, logger, sizes),
      participants: new ParticipantService(log),
      sizes,
    },
    limits: limitsOf(settings),
    tellTyping: (signal) => {
      log.publish({ kind: 'typing', ...signal })
    },
    underWay: new WorkUnderWay(),
    asWorker: (_worker, run) => run(),
    openBegunWork: () => new BegunWorkFile(join(dataDir, 'elizaos.begun'), logger),
  })
}

/** Makes this process one more agent host of the server. */
export function openRuntimeHost(options: RuntimeHostOptions): RuntimeHost {
  const { tell, start, onJoined } = options
  const { drainMs, logLevel: level } = start.settings
  const send = (lines: readonly string[]) => tell({ parley: 'log-lines', lines })
  const telemetry = openTelemetry({ role: 'agent-host', level, send })
  const { logger } = telemetry
  const { log, link, close } = openLog(options, logger, {
    onCommitted: () => {
      agents.wake()
    },
    onCancelled: (cancelled) => {
      agents.cancel(cancelled)
    },
    onJoined: (joined) => {
      onJoined(joined)
      agents.join(joinEvent(joined))
    },
    onAgentsChanged: () => {
      stopped.wake()
    },
  })
  const agents = createAgents(log, start, logger)
  const registered = new RegisteredRuntimes((workers) => {
    agents.setWorkers(workers, drainMs)
  })
  const readStopped = async () => stoppedIn(await log.agents())
  const stopped = new RegistryWatch({
    read: readStopped,
    onRead: (ids) => {
      registered.setStopped(ids)
    },
    logger,
  })
  const tellWorkers = () => tell({ parley: 'workers', workers: workerInfos(registered.all) })
  link.start()
  agents.start()
  stopped.start()
  return {
    add: async (runtime) => {
      const worker = createRuntimeWorker(runtime, logger)
      const agentId = worker.agent.id
      // The runner does the same, and nobody could wait for that: what is said now is to be answered.
      const isStopped = (await readStopped()).has(agentId)
      if (!isStopped) await log.append({ type: 'open-inbox', id: newId(), agentId })
      registered.add(runtime, worker)
      await tellWorkers()
    },
    remove: (runtime) => {
      registered.remove(runtime)
      void tellWorkers()
    },
    close: async () => {
      stopped.stop()
      await agents.drain(drainMs)
      await close()
      await telemetry.close()
    },
  }
}
