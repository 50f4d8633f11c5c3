import type { Environment } from '../config/load.ts'
import { canonicalId } from '../util/ids.ts'
import { createDeferred } from '../util/deferred.ts'
import type { Deferred } from '../util/deferred.ts'
import type { ElizaRuntime, Uuid } from './eliza-runtime.ts'
import type { RuntimeHost } from './runtime-host.ts'
import type { ServerProcess } from './server-process.ts'
import { SocketIORouter } from './socket-io-router.ts'

export interface AgentServerOptions {
  /** Directory of the database; `PARLEY_DATA_DIR`, or `./data`, when absent. */
  readonly dataDir?: string
  /** Settings by their environment names, before those of the environment and of `.env`. */
  readonly settings?: Environment
}

interface Running {
  readonly server: ServerProcess
  readonly host: RuntimeHost
  readonly url: string
  readonly drainMs: number
  /** Of agents that the server itself runs. */
  readonly agentIds: readonly string[]
  readonly ended: Deferred<void>
}

/** What makes a runtime an agent. @throws TypeError */
function requireAgent(runtime: ElizaRuntime | undefined): void {
  const isAgent =
    typeof runtime?.agentId === 'string' &&
    typeof runtime.character?.name === 'string' &&
    typeof runtime.emitEvent === 'function'
  if (!isAgent) throw new TypeError('registerAgent: an AgentRuntime with an id and a character')
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
  #running: Running | undefined
  #starting: Promise<Running> | undefined
  #ended: Promise<void> = Promise.resolve()

  /** The registered runtimes by their ids. */
  get agents(): ReadonlyMap<Uuid, ElizaRuntime> {
    return this.router.agents
  }

  /** Where it serves, such as `http://127.0.0.1:3000`; undefined while it does not. */
  get url(): string | undefined {
    return this.#running?.url
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
    if (this.#starting !== undefined) throw new Error('start: the server runs already')
    this.#starting = this.#start(port)
    try {
      await this.#starting
    } catch (error) {
      this.#starting = undefined
      throw error
    }
  }

  /**
   * Adds a runtime, whose `initialize` is through; one of the same id is replaced. Resolves when what is said from
   * now on reaches it; before `start`, with that.
   *
   * @throws TypeError for what is no runtime; Error where the server itself runs an agent of this id.
   */
  async registerAgent(runtime: ElizaRuntime): Promise<void> {
    requireAgent(runtime)
    const { agentId } = runtime
    const running = await this.#starting
    if (running !== undefined) refuseDouble(running, runtime)
    const former = this.agents.get(agentId)
    if (former === runtime) return
    this.router.add(runtime)
    if (former !== undefined) running?.host.remove(former)
    try {
      await running?.host.add(runtime)
    } catch (error) {
      this.router.remove(agentId)
      throw error
    }
  }

  /** It takes nothing more and finishes what it has begun. The runtime goes on: who made it stops it. */
  unregisterAgent(agentId: Uuid): void {
    const runtime = this.agents.get(agentId)
    if (runtime === undefined) return
    this.router.remove(agentId)
    this.#running?.host.remove(runtime)
  }

  /** Lets runtimes finish what they have begun and clients get it, `PARLEY_DRAIN_MS` for each at most. */
  async stop(): Promise<void> {
    const running = await this.#starting
    if (running === undefined || this.#running !== running) return
    this.#running = undefined
    await running.host.close()
    await running.server.stop(running.drainMs)
    this.#starting = undefined
    running.ended.resolve()
  }

  async #start(port: number | undefined): Promise<Running> {
    if (this.#environment === undefined) await this.initialize()
    // Here, since modules of the workers folder import this package, too: they need nothing of it.
    const { ServerProcess } = await import('./server-process.ts')
    const server = new ServerProcess({
      ...this.#environment,
      ...(port !== undefined && { PARLEY_PORT: String(port) }),
    })
    const start = await server.serving()
    const { drainMs } = start.settings
    const ended = createDeferred<void>()
    try {
      const { openRuntimeHost } = await import('./runtime-host.ts')
      const host = openRuntimeHost({
        start,
        tell: (message) => server.tell(message),
        onJoined: (joined) => {
          this.router.joined(joined)
        },
        fail: (error) => {
          void this.#fail(running, error)
        },
      })
      const { url, agentIds } = start
      const running: Running = { server, host, url, drainMs, agentIds, ended }
      await this.#begin(running)
      return running
    } catch (error) {
      await server.stop(drainMs)
      throw error
    }
  }

  async #begin(running: Running): Promise<void> {
    const { server, host } = running
    try {
      for (const runtime of this.agents.values()) {
        refuseDouble(running, runtime)
        await host.add(runtime)
      }
    } catch (error) {
      await host.close()
      throw error
    }
    this.#running = running
    this.#ended = running.ended.promise
    void server.ended.then((how) => this.#fail(running, new Error(`the server ended (${how})`)))
  }

  /** It can serve no longer, and nobody asked for that. */
  async #fail(running: Running, error: unknown): Promise<void> {
    if (this.#running !== running) return
    this.#running = undefined
    this.#starting = undefined
    running.ended.reject(error)
    await running.host.close()
    await running.server.stop(running.drainMs)
  }
}

/** @throws Error: two that answer as one would take each other's messages. */
function refuseDouble({ agentIds }: Running, { agentId, character }: ElizaRuntime): void {
  if (!agentIds.includes(canonicalId(agentId))) return
  throw new Error(`the agent ${character.name} (${agentId}) is one of the workers folder already`)
}
