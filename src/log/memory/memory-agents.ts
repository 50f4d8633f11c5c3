import type { StoredAgent } from '../agents.ts'
import type { AgentStore } from '../engine/agent-store.ts'

/** The registry of agents, in this process. */
export class MemoryAgents implements AgentStore {
  readonly #agents = new Map<string, StoredAgent>()

  all(): readonly StoredAgent[] {
    return [...this.#agents.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  get(agentId: string): StoredAgent | undefined {
    return this.#agents.get(agentId)
  }

  count(): number {
    return this.#agents.size
  }

  save(agent: StoredAgent): void {
    this.#agents.set(agent.id, agent)
  }

  remove(agentId: string): void {
    this.#agents.delete(agentId)
  }
}
