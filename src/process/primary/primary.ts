import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Settings } from '../../config/settings.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { SocketsDir } from './data-dir.ts'
import { workersBeside } from './embedder.ts'
import type { Embedder } from './embedder.ts'
import { HandOvers } from './hand-overs.ts'
import { Heartbeat } from './heartbeat.ts'
import type { LogHub } from './log-hub.ts'
import { ManagedChild } from './managed-child.ts'
import type { AgentHost, Answers, ForPrimary, Peer, Question } from '../messages.ts'
import { ExcludedModules } from './excluded-modules.ts'
import { settingsFor } from './settings-for.ts'
import { KnownWorkers } from './known-workers.ts'
import { Leaders } from './leaders.ts'
import { urlOf } from './pick-port.ts'
import type { ChildRole } from '../roles.ts'
import { processesOf, readinessOf } from './server-state.ts'
import { newProcessId } from '../gateway/session-id.ts'
import type { UpgradeRequest } from '../gateway/upgrade-request.ts'
import { spawnProcess } from './spawn.ts'
import { Supervisor } from './supervisor.ts'
import type { ReloadScope } from './supervisor.ts'
import { WorkerFolder } from './worker-folder.ts'

export interface PrimaryOptions {
  readonly entry: string
  readonly settings: Settings
  /** What workers may ask for by prefix. */
  readonly workerEnvironment: Readonly<Record<string, string>>
  /** Whether a change in the workers folder is a reload of agent hosts. */
  readonly isWatching: boolean
  readonly dataDir: string
  readonly sockets: SocketsDir
  readonly port: number
  readonly logs: LogHub
  readonly logger: Logger
  /** Gets told when it serves; its agents stand beside those of the workers folder. */
  readonly embedder: Embedder | undefined
  /** Aborted when the server shall end; may be already. */
  readonly stop: AbortController
}

/** Starts and watches the other processes and answers their questions; no message passes through it. */
export class Primary {
  readonly #options: PrimaryOptions
  readonly #supervisor: Supervisor
  readonly #heartbeat: Heartbeat
  readonly #handOvers = new HandOvers()
  readonly #leaders = new Leaders()
  readonly #excluded = new ExcludedModules()
  readonly #workers = new KnownWorkers()

  constructor(options: PrimaryOptions) {
    this.#options = options
    const { settings, logger } = options
    this.#supervisor = new Supervisor({
      counts: { writer: 1, gateway: settings.gateways, 'agent-host': settings.agentHosts },
      spawn: (role, slot) => this.#spawn(role, slot),
      drainMs: settings.drainMs,
      logger,
      onChange: (children) => {
        this.#handOvers.refuseEnded()
        this.#announce(children)
      },
    })
    this.#heartbeat = new Heartbeat({ children: () => this.#supervisor.children, logger })
  }

  /** Runs until it is told to stop and everything has ended. @throws StartError */
  async run(): Promise<void> {
    const { logger, settings, stop } = this.#options
    process.on('SIGUSR2', () => {
      this.#reload('all')
    })
    const folder = new WorkerFolder(logger, () => {
      this.#reload('agent-hosts')
    })
    if (this.#options.isWatching) await folder.open(settings.workersDir)
    // A second request changes nothing: the drain has its time.
    if (!stop.signal.aborted) await this.#serve(once(stop.signal, 'abort'))
    folder.close()
    logger.info({ drainMs: settings.drainMs }, 'draining')
    await this.#supervisor.stop()
    this.#heartbeat.close()
    logger.info('stopped')
  }

  #reload(scope: ReloadScope): void {
    if (this.#supervisor.isStopping) return
    this.#excluded.forget()
    void this.#supervisor.reload(scope)
  }

  async #serve(stopped: Promise<unknown>): Promise<void> {
    const { logger, settings, port, stop } = this.#options
    await Promise.race([this.#supervisor.start(), stopped])
    if (!stop.signal.aborted) {
      const url = urlOf(settings.host, port)
      logger.info({ url, gateways: settings.gateways }, 'listening')
      process.send?.('ready')
      this.#tellEmbedder(url)
    }
    await stopped
  }

  #tellEmbedder(url: string): void {
    const { settings, dataDir, sockets, port, embedder } = this.#options
    const agentIds = this.#workers.list.flatMap(({ agent }) => agent?.id ?? [])
    void embedder?.tell({
      parley: 'serving',
      start: {
        settings: settingsFor('agent-host', settings),
        id: newProcessId(),
        dataDir,
        writerSocketPath: sockets.socketPath('writer'),
        port,
        url,
        agentIds,
      },
    })
  }

  #spawn(role: ChildRole, slot: number): ManagedChild {
    const { entry, settings, logger } = this.#options
    const id = newProcessId()
    const child = new ManagedChild({
      role,
      id,
      slot,
      process: spawnProcess(entry, role, settings),
      onMessage: (from, message, socket) => {
        this.#receive(from, message, socket)
      },
    })
    if (role === 'agent-host') void this.#excluded.watch(child)
    logger.debug({ childRole: role, childPid: child.pid }, 'process started')
    return child
  }

  #start(child: ManagedChild): void {
    const { settings, workerEnvironment, dataDir, sockets, port } = this.#options
    const { role, id, slot } = child
    const excluded = this.#excluded.reasons
    child.send({
      parley: 'start',
      start: {
        settings: settingsFor(role, settings),
        id,
        dataDir,
        writerSocketPath: sockets.socketPath('writer'),
        privateSocketPath: this.#privateSocketPath(child),
        port,
        ...(role === 'agent-host' && {
          agentHost: { slot, environment: workerEnvironment, excluded },
        }),
      },
    })
    this.#announce(this.#supervisor.children)
  }

  #privateSocketPath({ role, id }: ManagedChild): string {
    return this.#options.sockets.socketPath(`${role === 'gateway' ? role : 'agents'}-${id}`)
  }

  /**
   * Tells the gateways of each other and of the agent hosts; of a new gateway before it listens, so that no
   * session is unknown.
   */
  #announce(children: readonly ManagedChild[]): void {
    const gateways = children.filter(({ role }) => role === 'gateway')
    const peers: Peer[] = gateways.map((gateway) => ({
      id: gateway.id,
      takesSessions: gateway.isStaying,
      mayHaveSessions: gateway.mayHaveSessions,
      socketPath: this.#privateSocketPath(gateway),
    }))
    const hosts: AgentHost[] = children
      .filter(({ role, isStaying }) => role === 'agent-host' && isStaying)
      .map((host) => ({ id: host.id, socketPath: this.#privateSocketPath(host) }))
    for (const gateway of gateways) {
      gateway.send({ parley: 'peers', peers })
      gateway.send({ parley: 'agent-hosts', hosts })
    }
    this.#leaders.look(children)
    this.#workers.look({ children })
  }

  #receive(from: ManagedChild, message: ForPrimary, socket: Socket | undefined): void {
    switch (message.parley) {
      case 'hello':
        this.#start(from)
        break
      case 'log-lines':
        this.#options.logs.push(message.lines)
        break
      case 'log-interest':
        this.#options.logs.setWatching(from, message.isInterested)
        break
      case 'question':
        void this.#reply(from, message)
        break
      case 'hand-over':
        this.#handOver(message.to, message.request, socket)
        break
      case 'taken':
        this.#handOvers.taken(message.handOverId)
        break
      case 'stop':
        this.#options.stop.abort()
        break
      case 'ready':
      case 'sessions-closed':
        this.#announce(this.#supervisor.children)
        break
    }
  }

  #handOver(to: string, request: UpgradeRequest, socket: Socket | undefined): void {
    const target = this.#supervisor.children.find(({ id }) => id === to)
    // Without a socket the client was gone before it could be passed.
    if (socket !== undefined) this.#handOvers.pass(target, request, socket)
  }

  async #reply(from: ManagedChild, asked: { id: number; question: Question }): Promise<void> {
    const answer = JSON.stringify(await this.#answer(asked.question))
    from.send({ parley: 'answer', id: asked.id, answer })
  }

  async #answer(question: Question): Promise<Answers[Question]> {
    const { logs } = this.#options
    switch (question) {
      case 'processes':
        await this.#heartbeat.refresh()
        return processesOf(this.#supervisor)
      case 'readiness':
        return readinessOf(this.#supervisor)
      case 'workers':
        return workersBeside(this.#workers.list, this.#options.embedder?.workers ?? [])
      case 'logs':
        return logs.lines()
      case 'clear-logs':
        logs.clear()
        return null
      case 'round-trip':
        return null
    }
  }
}
