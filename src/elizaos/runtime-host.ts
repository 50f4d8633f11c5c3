import { WorkUnderWay } from '../agent/work-under-way.ts'
import type { ChannelLog } from '../log/log.ts'
import { joinEvent, openLinkedAgents } from '../process/child/linked-agents.ts'
import { openTelemetry } from '../process/child/open-telemetry.ts'
import { RegistryWatch } from '../process/child/registry-watch.ts'
import type { EmbeddedStart, ToEmbedded } from '../process/embedded.ts'
import type { JoinNotice } from '../protocol/model.ts'
import { httpAgentsOf, stoppedIn } from '../service/http-agents.ts'
import type { Logger } from '../telemetry/logger.ts'
import { newId } from '../util/new-id.ts'
import type { ElizaRuntime } from './eliza-runtime.ts'
import { JoinsAhead } from './joins-ahead.ts'
import { RegisteredRuntimes } from './registered-runtimes.ts'
import { createRuntimeWorker } from './runtime-worker.ts'
import type { RuntimeWorker } from './runtime-worker.ts'
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
  /**
   * Takes the place of a runtime of the same id. Resolves when what is said from now on reaches it.
   *
   * @throws Error where the server has an agent of this id that is no runtime; what the log refuses.
   */
  add(runtime: ElizaRuntime): Promise<void>
  /** It takes nothing more, and finishes what it has begun. */
  remove(runtime: ElizaRuntime): void
  close(): Promise<void>
}

/** @throws Error: two that answer as one would take each other's messages. */
function refuseDouble(
  { agentIds, settings }: EmbeddedStart,
  stored: Awaited<ReturnType<ChannelLog['agents']>>,
  { agent: { id, name } }: RuntimeWorker,
): void {
  const who = `the agent ${name} (${id})`
  if (agentIds.includes(id)) throw new Error(`${who} is one of the workers folder already`)
  const called = httpAgentsOf({ stored, fixed: settings.agents, taken: new Set() })
  if (called.some((one) => one.id === id)) throw new Error(`${who} is called over HTTP already`)
}

/** The registered runtimes at the log, as those who are to run. */
function openRegistered({ start, onJoined, fail }: RuntimeHostOptions, logger: Logger) {
  const { runtime, log, link, close } = openLinkedAgents(
    { start, logger, fail },
    {
      underWay: new WorkUnderWay(),
      asWorker: (_worker, run) => run(),
      begunFile: 'elizaos.begun',
      onJoined: (joined) => {
        onJoined(joined)
        const named = joined.agentId === undefined ? undefined : registered.running(joined.agentId)
        if (named !== undefined) ahead.tell(named, joinEvent(joined))
      },
      onAgentsChanged: () => {
        stopped.wake()
      },
    },
  )
  const ahead = new JoinsAhead({ log, logger })
  const registered = new RegisteredRuntimes((workers) => {
    runtime.setWorkers(workers, start.settings.drainMs)
  })
  const stopped = new RegistryWatch({
    read: () => log.agents(),
    onRead: (stored) => {
      registered.setStopped(stoppedIn(stored))
    },
    logger,
  })
  link.start()
  runtime.start()
  stopped.start()
  const end = async (): Promise<void> => {
    stopped.stop()
    await runtime.drain(start.settings.drainMs)
    await close()
  }
  return { registered, log, end }
}

/** Makes this process one more agent host of the server. */
export function openRuntimeHost(options: RuntimeHostOptions): RuntimeHost {
  const { tell, start } = options
  const telemetry = openTelemetry({
    role: 'agent-host',
    level: start.settings.logLevel,
    send: (lines) => tell({ parley: 'log-lines', lines }),
  })
  const { logger } = telemetry
  const { registered, log, end } = openRegistered(options, logger)
  const tellWorkers = () => tell({ parley: 'workers', workers: workerInfos(registered.all) })
  return {
    add: async (runtime) => {
      const worker = createRuntimeWorker(runtime, logger)
      const agentId = worker.agent.id
      const stored = await log.agents()
      refuseDouble(start, stored, worker)
      const stopped = stoppedIn(stored)
      registered.setStopped(stopped)
      // The runner does the same, and nobody could wait for that: what is said now is to be answered.
      if (!stopped.has(agentId)) {
        await log.append({ type: 'open-inbox', id: newId(), agentId })
      }
      registered.add(runtime, worker)
      await tellWorkers()
    },
    remove: (runtime) => {
      registered.remove(runtime)
      void tellWorkers()
    },
    close: async () => {
      await end()
      await telemetry.close()
    },
  }
}
