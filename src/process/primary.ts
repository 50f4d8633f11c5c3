import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { loadSettings, mergeEnvironment } from '../config/load.ts'
import type { Environment } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import { createLogger } from '../telemetry/logger.ts'
import type { Logger } from '../telemetry/logger.ts'
import { openLogTap } from '../telemetry/log-tap.ts'
import { openSocketsDir, prepareDataDir } from './data-dir.ts'
import type { SocketsDir } from './data-dir.ts'
import { LockHeldError, openFileLock } from './file-lock.ts'
import type { FileLock } from './file-lock.ts'
import { HandOvers } from './hand-overs.ts'
import { Heartbeat } from './heartbeat.ts'
import { LogHub } from './log-hub.ts'
import { ManagedChild } from './managed-child.ts'
import type { Peer, Question, ToPrimary } from './messages.ts'
import { pickPort, urlOf } from './pick-port.ts'
import { clusterModeProblem } from './refuse-cluster-mode.ts'
import type { ChildRole } from './roles.ts'
import { processesOf, readinessOf } from './server-state.ts'
import { newProcessId } from './session-id.ts'
import { prepareSpawning, spawnProcess } from './spawn.ts'
import { StartError, Supervisor } from './supervisor.ts'

/** Why a start is refused, in words for the person who starts. */
class RefusedStart extends Error {}

function readDotEnv(): string {
  try {
    return readFileSync('.env', 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new RefusedStart(`.env cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function settingsFrom(environment: Environment): Settings {
  const misuse = clusterModeProblem(environment)
  if (misuse !== undefined) throw new RefusedStart(misuse)
  const loaded = loadSettings(mergeEnvironment(environment, readDotEnv()))
  if ('settings' in loaded) return loaded.settings
  throw new RefusedStart(['these settings are wrong:', ...loaded.problems].join('\n  '))
}

async function lockDataDir(dataDir: string): Promise<FileLock> {
  try {
    return await openFileLock(join(dataDir, 'server.lock'))
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error
    throw new RefusedStart(`another server runs on the data directory ${dataDir}; stop it first`, {
      cause: error,
    })
  }
}

interface PrimaryOptions {
  readonly entry: string
  readonly settings: Settings
  readonly dataDir: string
  readonly sockets: SocketsDir
  readonly port: number
  readonly logs: LogHub
  readonly logger: Logger
}

/** Starts and watches the other processes and answers their questions; no message passes through it. */
class Primary {
  readonly #options: PrimaryOptions
  readonly #supervisor: Supervisor
  readonly #heartbeat: Heartbeat
  readonly #handOvers = new HandOvers()
  readonly #stopped: Promise<void>
  #requestStop: () => void = () => undefined

  constructor(options: PrimaryOptions) {
    this.#options = options
    const { settings, logger } = options
    this.#supervisor = new Supervisor({
      counts: { writer: 1, gateway: settings.gateways, 'agent-host': settings.agentHosts },
      spawn: (role) => this.#spawn(role),
      drainMs: settings.drainMs,
      logger,
      onChange: (children) => {
        this.#announce(children)
      },
    })
    this.#heartbeat = new Heartbeat({ children: () => this.#supervisor.children, logger })
    this.#stopped = new Promise((resolve) => {
      this.#requestStop = resolve
    })
  }

  /** Runs until it is told to stop and everything has ended. @throws StartError */
  async run(): Promise<void> {
    const { logger, settings, port } = this.#options
    this.#obeySignals()
    await Promise.race([this.#supervisor.start(), this.#stopped])
    if (!this.#supervisor.isStopping) {
      const url = urlOf(settings.host, port)
      logger.info({ url, gateways: settings.gateways }, 'listening')
      process.send?.('ready')
    }
    await this.#stopped
    logger.info({ drainMs: settings.drainMs }, 'draining')
    await this.#supervisor.stop()
    this.#heartbeat.close()
    logger.info('stopped')
  }

  #obeySignals(): void {
    // A second one changes nothing: the promise is settled, the drain has its time.
    process.on('SIGTERM', this.#requestStop)
    process.on('SIGINT', this.#requestStop)
    process.on('SIGUSR2', () => {
      if (!this.#supervisor.isStopping) void this.#supervisor.reload()
    })
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
    const peers: Peer[] = gateways.map(({ id }) => ({
      id,
      socketPath: this.#options.sockets.socketPath(`gateway-${id}`),
    }))
    for (const gateway of gateways) gateway.send({ parley: 'peers', peers })
  }

  #receive(from: ManagedChild, message: ToPrimary, socket: Socket | undefined): void {
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
        void this.#answer(message.question).then((answer) => {
          from.send({ parley: 'answer', id: message.id, answer })
        })
        break
      case 'hand-over': {
        const target = this.#supervisor.children.find(({ id }) => id === message.to)
        // Without a socket the client was gone before it could be passed.
        if (socket !== undefined) this.#handOvers.pass(target, message.request, socket)
        break
      }
      case 'taken':
        this.#handOvers.taken(message.handOverId)
        break
      case 'stop':
        this.#requestStop()
        break
      case 'ready':
      case 'failed':
      case 'pong':
        // Between the child and its `ManagedChild`.
        break
    }
  }

  async #answer(question: Question): Promise<unknown> {
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
    }
  }
}

async function serve(entry: string, settings: Settings): Promise<void> {
  const dataDir = await prepareDataDir(settings.dataDir)
  const lock = await lockDataDir(dataDir)
  const sockets = await openSocketsDir(dataDir)
  const port = await pickPort(settings.port, settings.host)
  const logs = new LogHub()
  const tap = openLogTap((line) => {
    logs.push([line])
  })
  const logger = createLogger({ level: settings.logLevel, role: 'primary', destination: tap })
  prepareSpawning(entry)
  try {
    await new Primary({ entry, settings, dataDir, sockets, port, logs, logger }).run()
  } finally {
    await sockets.remove()
    await tap.flush()
    lock.close()
  }
}

/** Runs the server; `entry` is the executable for its processes. Resolves with the exit code. */
export async function runPrimary(entry: string): Promise<number> {
  try {
    await serve(entry, settingsFrom(process.env))
    return 0
  } catch (error) {
    const isExpected = error instanceof RefusedStart || error instanceof StartError
    const reason = isExpected ? error.message : String((error as Error).stack ?? error)
    process.stderr.write(`parley cannot start: ${reason}\n`)
    return 1
  }
}
