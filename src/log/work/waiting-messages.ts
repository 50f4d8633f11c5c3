import type { Ephemeral, Message } from '../../protocol/model.ts'
import type { TurnRef } from '../agent-work.ts'
import type { LogEngine } from '../engine.ts'

export interface WaitingMessagesOptions {
  readonly engine: Pick<LogEngine, 'agentsIn' | 'awayAgents' | 'cursors'>
  readonly publish: (frame: Ephemeral) => void
}

/** Messages of which it is remembered for whom they wait; past it the oldest are looked up when they are through. */
const MAX_WAITING = 100_000
/** Messages that are remembered as complete, so that a late agent does not complete them again. */
const MAX_COMPLETED = 10_000

interface Waiting {
  readonly channelId: string
  readonly serverId: string
  readonly place: number
  readonly pending: Set<string>
}

/**
 * Which messages wait for which agents, and tells when they wait for none.
 *
 * A message that is not remembered, since the process is new or there were too many, waits for those agents of its
 * channel whose cursors are not past it and who have not said that they are through with it.
 */
export class WaitingMessages {
  readonly #options: WaitingMessagesOptions
  /** Oldest first. */
  readonly #waiting = new Map<string, Waiting>()
  readonly #completed = new Set<string>()
  readonly #cursors: Map<string, number>
  /** Places that agents are through with, ahead of their cursors: as many as a host reads ahead. */
  readonly #ahead = new Map<string, Set<number>>()

  constructor(options: WaitingMessagesOptions) {
    this.#options = options
    this.#cursors = new Map(options.engine.cursors())
  }

  /** A message was committed that waits for these. */
  add(
    { id, channelId, serverId }: Message,
    { agents, place }: { readonly agents: readonly string[]; readonly place: number },
  ): void {
    this.#remember(id, { channelId, serverId, place, pending: new Set(agents) })
  }

  /** An agent is through with a message; said again, it changes nothing. */
  through(turn: TurnRef): void {
    const { agentId, messageId, place } = turn
    if (this.#isThrough(agentId, place)) return
    const ahead = this.#ahead.get(agentId) ?? new Set<number>()
    this.#ahead.set(agentId, ahead)
    ahead.add(place)
    if (this.#completed.has(messageId)) return
    const waiting = this.#waiting.get(messageId) ?? this.#lookUp(turn)
    waiting.pending.delete(agentId)
    if (waiting.pending.size === 0) this.#complete(messageId, waiting)
    else this.#remember(messageId, waiting)
  }

  /** The agent's cursor is at this place: what is up to there waits for it no more, said or not. */
  settled(agentId: string, place: number): void {
    this.#cursors.set(agentId, place)
    const ahead = this.#ahead.get(agentId)
    if (ahead !== undefined) {
      for (const each of ahead) if (each <= place) ahead.delete(each)
    }
    for (const [messageId, waiting] of this.#waiting) {
      if (waiting.place > place) break
      this.#release(messageId, waiting, agentId)
    }
  }

  /** Nobody runs the agent. */
  waitNoMore(agentId: string): void {
    for (const [messageId, waiting] of this.#waiting) this.#release(messageId, waiting, agentId)
  }

  #release(messageId: string, waiting: Waiting, agentId: string): void {
    if (!waiting.pending.delete(agentId) || waiting.pending.size > 0) return
    this.#complete(messageId, waiting)
  }

  #isThrough(agentId: string, place: number): boolean {
    if ((this.#cursors.get(agentId) ?? 0) >= place) return true
    return this.#ahead.get(agentId)?.has(place) === true
  }

  #lookUp({ channelId, serverId, authorId, place }: TurnRef): Waiting {
    const { engine } = this.#options
    const agents = engine.agentsIn(channelId).filter(({ agentId, hasInbox }) => {
      if (!hasInbox || agentId === authorId || engine.awayAgents.has(agentId)) return false
      return !this.#isThrough(agentId, place)
    })
    return { channelId, serverId, place, pending: new Set(agents.map(({ agentId }) => agentId)) }
  }

  #remember(messageId: string, waiting: Waiting): void {
    this.#waiting.set(messageId, waiting)
    if (this.#waiting.size > MAX_WAITING) dropFirst(this.#waiting)
  }

  #complete(messageId: string, { channelId, serverId }: Waiting): void {
    this.#waiting.delete(messageId)
    this.#completed.add(messageId)
    if (this.#completed.size > MAX_COMPLETED) dropFirst(this.#completed)
    this.#options.publish({ kind: 'complete', channelId, serverId, messageId })
  }
}

function dropFirst(of: Map<string, unknown> | Set<string>): void {
  const [first] = of.keys()
  if (first !== undefined) of.delete(first)
}
