import type { Environment } from '../config/load.ts'
import { isId, ID_RULE } from '../protocol/ids.ts'
import type { ElizaRuntime, Uuid } from './eliza-runtime.ts'
import type { RunningServer } from './running-server.ts'
import { SocketIORouter } from './socket-io-router.ts'

export interface AgentServerOptions {
  /** Directory of the database; `PARLEY_DATA_DIR`, or `./data`, when absent. */
  readonly dataDir?: string
  /** Settings by their environment names, before those of the environment and of `.env`. */
  readonly settings?: Environment
}

/** What makes a runtime an agent. @throws TypeError */
function requireAgent(runtime: ElizaRuntime | undefined): void {
  const isAgent =
    typeof runtime?.agentId === 'string' &&
    typeof runtime.character?.name === 'string' &&
    typeof runtime.emitEvent === 'function'
  if (!isAgent) throw new TypeError('registerAgent: an AgentRuntime with an id and a character')
  if (!isId(runtime.agentId)) throw new TypeError(`registerAgent: agentId ${ID_RULE}`)
}

/**
 * A server for elizaOS runtimes, as elizaOS's own `AgentServer` is used.
 *
 * The server runs in processes of its own, which end with this one, so that clients are served also while a
 * runtime is busy. The runtimes stay in this process: it takes their messages from the log, at least once and
 * in the order of each channel, and what their callbacks get is stored once.
 */
export class AgentServer {
  /** Who is registered, and which sockets asked for whom. */
  readonly router = new SocketIORouter()
  #environment: Environment | undefined
  /** The last one that was started. */
  #server: RunningServer | undefined
  #starting: Promise<RunningServer> | undefined
  #ended: Promise<void> = Promise.resolve()

  /** The registered runtimes by their ids. */
  get agents(): ReadonlyMap<Uuid, ElizaRuntime> {
    return this.router.agents
  }

  /** Where it serves, such as `http://127.0.0.1:3000`; undefined while it does not. */
  get url(): string | undefined {
    return this.#server?.isServing === true ? this.#server.url : undefined
  }

  /**
   * Resolves when the server that was started is stopped, and rejects when it ended by itself. Who does not look
   * at it has the rejection as an unhandled one, which ends the process for whoever starts it again.
   */
  get ended(): Promise<void> {
    return this.#ended
  }

  /** Reads the settings; `start` does it where it was not done. @throws Error that names all that are wrong. */
  async initialize({ dataDir, settings }: AgentServerOptions = {}): Promise<void> {
    const { readSettings } = await import('../process/read-settings.ts')
    const environment = {
      ...process.env,
      ...settings,
      ...(dataDir !== undefined && { PARLEY_DATA_DIR: dataDir }),
    }
    readSettings(environment)
    this.#environment = environment
  }

  /**
   * Resolves when the server serves and what is said reaches the registered runtimes.
   *
   * @param port 0 takes a free one; `PARLEY_PORT`, or 3000, when absent.
   * @throws Error when it runs already, or cannot start; with the reason.
   */
  async start(port?: number): Promise<void> {
    if (this.#starting !== undefined || this.#server?.isServing === true) {
      throw new Error('start: the server runs already')
    }
    this.#starting = this.#start(port)
    try {
      this.#server = await this.#starting
      // A promise of its own: what this class does with the server's is not what its user looks at.
      this.#ended = this.#server.ended.then(() => undefined)
    } finally {
      this.#starting = undefined
    }
  }

  /**
   * Adds a runtime, whose `initialize` is through; one of the same id is replaced. Resolves when what is said from
   * now on reaches it; before `start`, with that.
   *
   * @throws TypeError for what is no runtime; Error where the server has another agent of this id.
   */
  async registerAgent(runtime: ElizaRuntime): Promise<void> {
    requireAgent(runtime)
    const server = await this.#serving()
    const former = this.agents.get(runtime.agentId)
    this.router.add(runtime)
    try {
      await server?.add(runtime)
    } catch (error) {
      if (former === undefined) this.router.remove(runtime.agentId)
      else this.router.add(former)
      throw error
    }
  }

  /** It takes nothing more and finishes what it has begun. The runtime goes on: who made it stops it. */
  async unregisterAgent(agentId: Uuid): Promise<void> {
    const runtime = this.agents.get(agentId)
    if (runtime === undefined) return
    this.router.remove(agentId)
    const server = await this.#serving()
    // It may be back meanwhile.
    if (this.agents.get(agentId) !== runtime) server?.remove(runtime)
  }

  /** Lets runtimes finish what they have begun and clients get it, `PARLEY_DRAIN_MS` for each at most. */
  async stop(): Promise<void> {
    // Whoever started it hears why it cannot.
    await this.#starting?.catch(() => undefined)
    await this.#server?.stop()
  }

  /** The server that a runtime can be added to; waits for one that starts. Never rejects. */
  async #serving(): Promise<RunningServer | undefined> {
    const started = await this.#starting?.catch(() => undefined)
    const server = started ?? this.#server
    return server?.isServing === true ? server : undefined
  }

  async #start(port: number | undefined): Promise<RunningServer> {
    if (this.#environment === undefined) await this.initialize()
    // One that is about to be stopped, or ended by itself, may still be at work on what it had begun.
    await this.#server?.stop()
    // Here, since modules of the workers folder import this package, too: they need nothing of it.
    const { startServer } = await import('./running-server.ts')
    const server = await startServer({
      environment: {
        ...this.#environment,
        ...(port !== undefined && { PARLEY_PORT: String(port) }),
      },
      onJoined: (joined) => {
        this.router.joined(joined)
      },
    })
    try {
      for (const runtime of this.agents.values()) await server.add(runtime)
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }
}
