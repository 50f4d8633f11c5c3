import type { StoredAgent } from '../agents.ts'

/** The primitive reads of the agents that are no modules or were stopped. */
export interface AgentReadStore {
  /** By id. */
  all(): readonly StoredAgent[]
}

/** The primitive writes. */
export interface AgentStore extends AgentReadStore {
  get(agentId: string): StoredAgent | undefined
  count(): number
  /** Adds or replaces. */
  save(agent: StoredAgent): void
  remove(agentId: string): void
}
