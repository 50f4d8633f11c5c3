import type { ChannelLog } from '../log/log.ts'
import type { HttpAgent } from '../protocol/http-agent.ts'
import { newId } from '../util/new-id.ts'

type RegistryLog = Pick<ChannelLog, 'append' | 'agents'>

/** What the log knows of agents: those that it defines, and which are stopped. */
export class AgentRegistry {
  readonly #log: RegistryLog

  constructor(log: RegistryLog) {
    this.#log = log
  }

  list(): ReturnType<RegistryLog['agents']> {
    return this.#log.agents()
  }

  /** @throws AGENT_EXISTS, TOO_MANY_AGENTS. */
  async create(agentId: string, definition: HttpAgent): Promise<void> {
    await this.#log.append({ type: 'create-agent', id: newId(), agentId, definition })
  }

  /** @throws AGENT_NOT_FOUND. */
  async update(agentId: string, changes: Partial<HttpAgent>): Promise<void> {
    await this.#log.append({ type: 'update-agent', id: newId(), agentId, changes })
  }

  /** With what it gave up. */
  async remove(agentId: string): Promise<void> {
    await this.#log.append({ type: 'delete-agent', id: newId(), agentId })
  }

  async start(agentId: string): Promise<void> {
    await this.#log.append({ type: 'start-agent', id: newId(), agentId })
  }

  /** @throws TOO_MANY_AGENTS. */
  async stop(agentId: string): Promise<void> {
    await this.#log.append({ type: 'stop-agent', id: newId(), agentId })
  }
}
