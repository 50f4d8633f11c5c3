import type { JoinNotice } from '../protocol/model.ts'
import type { ElizaRuntime, Uuid } from './eliza-runtime.ts'
import { uuidOf } from './uuid.ts'

/** Sockets remembered; past it the one that joined longest ago is forgotten. */
const MAX_CONNECTIONS = 10_000

/**
 * What elizaOS's router knows of agents and sockets.
 *
 * Sockets are served, and messages routed, by the server's gateways, which are other processes; this is what
 * the process of the runtimes knows of them. elizaOS's documentation shows these maps as private.
 */
export class SocketIORouter {
  readonly #agents = new Map<Uuid, ElizaRuntime>()
  readonly #connections = new Map<string, Uuid>()

  /** The runtimes that are registered, by their ids. */
  get agents(): ReadonlyMap<Uuid, ElizaRuntime> {
    return this.#agents
  }

  /**
   * By socket id the agent that the socket named when it joined a channel, last and as somebody (`entityId`).
   *
   * The newest 10,000 that this process has heard of since it started; gateways tell of joins and not of the
   * ends of connections, so a socket that is here may be gone.
   */
  get connections(): ReadonlyMap<string, Uuid> {
    return this.#connections
  }

  add(runtime: ElizaRuntime): void {
    this.#agents.set(runtime.agentId, runtime)
  }

  /** False where there is none. */
  remove(agentId: Uuid): boolean {
    return this.#agents.delete(agentId)
  }

  /** Somebody joined a channel. */
  joined({ socketId, agentId }: JoinNotice): void {
    if (socketId === undefined || agentId === undefined) return
    // Behind the others: it is the newest.
    this.#connections.delete(socketId)
    this.#connections.set(socketId, uuidOf(agentId))
    const [oldest] = this.#connections.keys()
    if (this.#connections.size > MAX_CONNECTIONS && oldest !== undefined) {
      this.#connections.delete(oldest)
    }
  }
}
