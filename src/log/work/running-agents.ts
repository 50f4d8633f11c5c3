export interface RunningAgentsOptions {
  /** Those that have an inbox. */
  readonly agents: Iterable<string>
  /** Kept up to date here: those that nobody ran for a while. */
  readonly away: Set<string>
  readonly onAway: (agentIds: readonly string[]) => void
  /** They are run again; only those that were away. */
  readonly onBack: (agentIds: readonly string[]) => void
  /** Milliseconds, without those in which this process stood still. */
  readonly now: () => number
}

/**
 * Milliseconds without a process that runs it after which a message does not wait for an agent. More: a message
 * is complete later where an agent is gone for good; less: it is complete too early where a host is replaced.
 */
const AWAY_AFTER_MS = 10_000

/** Which agents are run, and by whom. */
export class RunningAgents {
  readonly #options: RunningAgentsOptions
  /** Those that have an inbox. */
  readonly #known = new Set<string>()
  /** By process. */
  readonly #agents = new Map<string, ReadonlySet<string>>()
  /** Since when nobody runs them; those that are away already are not in it. */
  readonly #goneSince = new Map<string, number>()

  constructor(options: RunningAgentsOptions) {
    this.#options = options
    for (const agentId of options.agents) this.add(agentId)
  }

  /** The agent has an inbox. */
  add(agentId: string): void {
    this.#known.add(agentId)
    if (!this.#isRun(agentId) && !this.#options.away.has(agentId)) this.#noteGone(agentId)
  }

  /** It has none any more. */
  remove(agentId: string): void {
    this.#known.delete(agentId)
    this.#goneSince.delete(agentId)
    this.#options.away.delete(agentId)
  }

  /** All agents that a process runs; none where it is gone. */
  set(owner: string, agentIds: readonly string[]): void {
    const before = this.#agents.get(owner) ?? new Set<string>()
    if (agentIds.length === 0) this.#agents.delete(owner)
    else this.#agents.set(owner, new Set(agentIds))
    const { away, onBack } = this.#options
    for (const agentId of agentIds) this.#goneSince.delete(agentId)
    const back = agentIds.filter((agentId) => away.delete(agentId))
    if (back.length > 0) onBack(back)
    for (const agentId of before) {
      if (this.#known.has(agentId) && !this.#isRun(agentId)) this.#noteGone(agentId)
    }
  }

  /** Notices who is away by now. */
  look(): void {
    const { away, onAway, now } = this.#options
    const since = now() - AWAY_AFTER_MS
    const gone = [...this.#goneSince].filter(([, goneMs]) => goneMs <= since)
    if (gone.length === 0) return
    const agentIds = gone.map(([agentId]) => agentId)
    for (const agentId of agentIds) {
      this.#goneSince.delete(agentId)
      away.add(agentId)
    }
    onAway(agentIds)
  }

  #isRun(agentId: string): boolean {
    for (const agents of this.#agents.values()) if (agents.has(agentId)) return true
    return false
  }

  #noteGone(agentId: string): void {
    if (!this.#goneSince.has(agentId)) this.#goneSince.set(agentId, this.#options.now())
  }
}
