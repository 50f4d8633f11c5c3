import type { Completion, Message } from '../../protocol/model.ts'
import type { TurnRef } from '../agent-work.ts'
import type { AwaitedMessage, LogEngine } from '../engine.ts'
import { CompletedMessages } from './completed-messages.ts'

export interface WaitingMessagesOptions {
  readonly engine: Pick<LogEngine, 'awaited' | 'awaitedBy' | 'awayAgents' | 'cursors' | 'message'>
  readonly publish: (completion: Completion) => void
}

/** Messages of which it is remembered for whom they wait; past it the oldest are looked up when they are through. */
const MAX_WAITING = 100_000

interface Waiting extends Omit<AwaitedMessage, 'agents' | 'seq'> {
  /** Undefined where the message was erased. */
  readonly seq: number | undefined
  readonly pending: Set<string>
}

/**
 * Which messages wait for which agents, and tells when they wait for none.
 *
 * Whether a message waits for anybody is decided when it is posted, and stored with it: one that did not is complete
 * from the beginning, whoever is through with it later. One that is not remembered, since the process is new or there
 * were too many, waits for those whom the log names who have not said that they are through with it. It names none whom a
 * process passed over: no message waits for an agent since nobody ran it for long, but those posted once it is run again
 * or a new process gives it time to be. What this process does not know to be complete may be told again by it:
 * followers remember what they were told.
 */
export class WaitingMessages {
  readonly #options: WaitingMessagesOptions
  /** Oldest first. */
  readonly #waiting = new Map<string, Waiting>()
  readonly #byAgent = new Map<string, Set<Waiting>>()
  readonly #completed = new CompletedMessages()
  readonly #cursors: Map<string, number>
  /** Places that agents are through with, ahead of their cursors: as many as a host allows (`maxThroughAhead`). */
  readonly #ahead = new Map<string, Set<number>>()

  constructor(options: WaitingMessagesOptions) {
    this.#options = options
    this.#cursors = new Map(options.engine.cursors())
    for (const { agents, ...message } of options.engine.awaited()) {
      if (agents.length === 0) this.#completed.add(message.messageId, message.channelId)
      else this.#remember({ ...message, pending: new Set(agents) })
    }
  }

  /** A message was committed that waits for these. */
  add(
    { id: messageId, channelId, serverId, seq }: Message,
    { agents, place }: { readonly agents: readonly string[]; readonly place: number },
  ): void {
    this.#remember({ messageId, channelId, serverId, place, seq, pending: new Set(agents) })
  }

  /** The newest messages of a channel that are complete, as far as that is remembered. */
  completedIn(channelId: string): readonly string[] {
    return this.#completed.in(channelId)
  }

  /** An agent is through with a message; said again, it changes nothing. */
  through(turn: TurnRef): void {
    const { agentId, messageId, place } = turn
    this.#noteAhead(agentId, place)
    // What was set aside is complete, however often it is tried again.
    if (turn.isRetry === true || this.#completed.has(messageId)) return
    const waiting = this.#waiting.get(messageId) ?? this.#lookUp(turn)
    if (waiting === undefined) this.#completed.add(messageId, turn.channelId)
    else this.#release(waiting, agentId)
  }

  /** Whether the message at this place waits for one of these. */
  waitsFor(agents: readonly string[], place: number): boolean {
    return agents.some((agentId) => !this.#isThrough(agentId, place))
  }

  /** The agent's cursor is at this place: what is up to there waits for it no more, said or not. */
  settled(agentId: string, place: number): void {
    this.#cursors.set(agentId, place)
    const ahead = this.#ahead.get(agentId) ?? new Set()
    for (const each of ahead) if (each <= place) ahead.delete(each)
    for (const waiting of this.#byAgent.get(agentId) ?? []) {
      if (waiting.place <= place) this.#release(waiting, agentId)
    }
  }

  /** Nobody runs the agent. */
  waitNoMore(agentId: string): void {
    for (const waiting of this.#byAgent.get(agentId) ?? []) this.#release(waiting, agentId)
  }

  /** Nothing is known of the agent any more, its cursor included. */
  forget(agentId: string): void {
    this.waitNoMore(agentId)
    this.#cursors.delete(agentId)
    this.#ahead.delete(agentId)
  }

  #noteAhead(agentId: string, place: number): void {
    // One without an inbox may be deleted: nothing would be said of it that removes this.
    if (!this.#cursors.has(agentId) || this.#isThrough(agentId, place)) return
    const ahead = this.#ahead.get(agentId) ?? new Set<number>()
    this.#ahead.set(agentId, ahead)
    ahead.add(place)
  }

  #isThrough(agentId: string, place: number): boolean {
    if ((this.#cursors.get(agentId) ?? 0) >= place) return true
    return this.#ahead.get(agentId)?.has(place) === true
  }

  #lookUp({ messageId, channelId, serverId, place }: TurnRef): Waiting | undefined {
    const { engine } = this.#options
    const agents = engine.awaitedBy(place)
    if (agents === undefined) return undefined
    const pending = agents.filter(
      (agentId) => !engine.awayAgents.has(agentId) && !this.#isThrough(agentId, place),
    )
    const seq = engine.message(messageId)?.seq
    const waiting = { messageId, channelId, serverId, place, seq, pending: new Set(pending) }
    this.#remember(waiting)
    return waiting
  }

  #remember(waiting: Waiting): void {
    this.#waiting.set(waiting.messageId, waiting)
    for (const agentId of waiting.pending) {
      const known = this.#byAgent.get(agentId)
      if (known === undefined) this.#byAgent.set(agentId, new Set([waiting]))
      else known.add(waiting)
    }
    if (this.#waiting.size > MAX_WAITING) this.#dropOldest()
  }

  #dropOldest(): void {
    const [oldest] = this.#waiting.values()
    if (oldest === undefined) return
    this.#waiting.delete(oldest.messageId)
    for (const agentId of oldest.pending) this.#unlist(oldest, agentId)
  }

  #unlist(waiting: Waiting, agentId: string): void {
    const known = this.#byAgent.get(agentId)
    known?.delete(waiting)
    if (known?.size === 0) this.#byAgent.delete(agentId)
  }

  /** Complete when it waits for nobody else. */
  #release(waiting: Waiting, agentId: string): void {
    waiting.pending.delete(agentId)
    this.#unlist(waiting, agentId)
    if (waiting.pending.size > 0) return
    const { messageId, channelId, serverId, seq } = waiting
    this.#waiting.delete(messageId)
    this.#completed.add(messageId, channelId)
    const of = { messageId, ...(seq !== undefined && { messageSeq: seq }) }
    this.#options.publish({ kind: 'complete', channelId, serverId, ...of })
  }
}
