import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Settings } from '../../config/settings.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { SocketsDir } from './data-dir.ts'
import { HandOvers } from './hand-overs.ts'
import { Heartbeat } from './heartbeat.ts'
import type { LogHub } from './log-hub.ts'
import { ManagedChild } from './managed-child.ts'
import type { Answers, ForPrimary, Peer, Question } from '../messages.ts'
import { urlOf } from './pick-port.ts'
import type { ChildRole } from '../roles.ts'
import { processesOf, readinessOf } from './server-state.ts'
import { newProcessId } from '../gateway/session-id.ts'
import type { UpgradeRequest } from '../gateway/upgrade-request.ts'
import { spawnProcess } from './spawn.ts'
import { Supervisor } from './supervisor.ts'

export interface PrimaryOptions {
  readonly entry: string
  readonly settings: Settings
  readonly dataDir: string
  readonly sockets: SocketsDir
  readonly port: number
  readonly logs: LogHub
  readonly logger: Logger
  /** Aborted when the server shall end; may be already. */
  readonly stop: AbortController
}

/** Starts and watches the other processes and answers their questions; no message passes through it. */
export class Primary {
  readonly #options: PrimaryOptions
  readonly #supervisor: Supervisor
  readonly #heartbeat: Heartbeat
  readonly #handOvers = new HandOvers()

  constructor(options: PrimaryOptions) {
    this.#options = options
    const { settings, logger } = options
    this.#supervisor = new Supervisor({
      counts: { writer: 1, gateway: settings.gateways, 'agent-host': settings.agentHosts },
      spawn: (role) => this.#spawn(role),
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
      if (!this.#supervisor.isStopping) void this.#supervisor.reload()
    })
    // A second request changes nothing: the drain has its time.
    if (!stop.signal.aborted) await this.#serve(once(stop.signal, 'abort'))
    logger.info({ drainMs: settings.drainMs }, 'draining')
    await this.#supervisor.stop()
    this.#heartbeat.close()
    logger.info('stopped')
  }

  async #serve(stopped: Promise<unknown>): Promise<void> {
    const { logger, settings, port, stop } = this.#options
    await Promise.race([this.#supervisor.start(), stopped])
    if (!stop.signal.aborted) {
      const url = urlOf(settings.host, port)
      logger.info({ url, gateways: settings.gateways }, 'listening')
      process.send?.('ready')
    }
    await stopped
  }

  #spawn(role: ChildRole): ManagedChild {
    const { entry, logger } = this.#options
    const id = newProcessId()
    const child = new ManagedChild({
      role,
      id,
      process: spawnProcess(entry, role),
      onMessage: (from, message, socket) => {
        this.#receive(from, message, socket)
      },
    })
    logger.debug({ childRole: role, childPid: child.pid }, 'process started')
    return child
  }

  #start(child: ManagedChild): void {
    const { settings, dataDir, sockets, port } = this.#options
    child.send({
      parley: 'start',
      start: {
        settings,
        id: child.id,
        dataDir,
        writerSocketPath: sockets.socketPath('writer'),
        privateSocketPath: sockets.socketPath(`gateway-${child.id}`),
        port,
      },
    })
    this.#announce(this.#supervisor.children)
  }

  /** Tells the gateways of each other; of a new one before it listens, so that no session is unknown. */
  #announce(children: readonly ManagedChild[]): void {
    const gateways = children.filter(({ role }) => role === 'gateway')
    const peers: Peer[] = gateways.map(({ id, isStaying, mayHaveSessions }) => ({
      id,
      takesSessions: isStaying,
      mayHaveSessions,
      socketPath: this.#options.sockets.socketPath(`gateway-${id}`),
    }))
    for (const gateway of gateways) gateway.send({ parley: 'peers', peers })
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
