import type { HttpAgent } from '../protocol/http-agent.ts'

/** What the log knows of an agent: that it is called over HTTP, or that it was stopped. */
export interface StoredAgent {
  readonly id: string
  /** Absent where somebody else says what it is: a module, or the settings. */
  readonly definition?: HttpAgent
  /** Nobody is to run it. */
  readonly isStopped: boolean
  /** Another one after every change. */
  readonly revision: string
}

/**
 * Changes of the agents that are no modules, and of which agents run.
 *
 * Each is known to be a repetition while nothing else happened to the agent.
 */
export type AgentCommand =
  /** `AGENT_EXISTS` where the log has one of this id, also a stopped one; `TOO_MANY_AGENTS` past 1,000. */
  | {
      readonly type: 'create-agent'
      readonly id: string
      readonly agentId: string
      readonly definition: HttpAgent
    }
  /** Replaces what is named. `AGENT_NOT_FOUND` where there is none that this log defines. */
  | {
      readonly type: 'update-agent'
      readonly id: string
      readonly agentId: string
      readonly changes: Partial<HttpAgent>
    }
  /** Removes what the log knows of it, with its cursor and what it gave up. Absent before is no error. */
  | { readonly type: 'delete-agent'; readonly id: string; readonly agentId: string }
  /**
   * `stop-agent` takes the agent's cursor, so that nothing waits for it; what it gave up stays. `start-agent` of a
   * stopped one makes the cursor anew, at the newest place: what was said meanwhile it does not answer. Each changes
   * nothing where it is so already. `TOO_MANY_AGENTS` where a further agent is stopped than may be kept.
   */
  | { readonly type: 'stop-agent'; readonly id: string; readonly agentId: string }
  | { readonly type: 'start-agent'; readonly id: string; readonly agentId: string }

/** The agents of which the log knows something. */
export interface AgentList {
  /** By id; at most 1,000. */
  agents(): Promise<readonly StoredAgent[]>
}
