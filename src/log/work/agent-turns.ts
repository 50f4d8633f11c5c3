import type { AgentTurn, Ephemeral } from '../../protocol/model.ts'
import type { Cancellation, StreamClaim, TurnRef } from '../agent-work.ts'
import type { Command, Outcome } from '../commands.ts'
import type { Applied, LogEngine } from '../engine.ts'
import { newId } from '../../util/new-id.ts'
import { AwakeClock } from './awake-clock.ts'
import { LinkCount } from './link-count.ts'
import { RunningAgents } from './running-agents.ts'
import { ShownTurns } from './shown-turns.ts'
import { LOOK_INTERVAL_MS } from './stream-limits.ts'
import { WaitingMessages } from './waiting-messages.ts'
import type { WaitingMessagesOptions } from './waiting-messages.ts'

type OpenStream = Extract<Command, { readonly type: 'open-stream' }>

export interface AgentTurnsOptions {
  readonly engine: WaitingMessagesOptions['engine'] & Pick<LogEngine, 'isCancelled' | 'newestPlace'>
  readonly publish: (frame: Ephemeral) => void
  /** Stores a change of the writer's own. */
  readonly submit: (command: Command) => void
  /** Tells whoever runs agents. */
  readonly onCancelled: (cancelled: Cancellation) => void
  /** Elapsed milliseconds. */
  readonly now?: () => number
}

/**
 * The writer's memory of what agents do: what is shown of it, and which messages are not complete yet.
 *
 * All of it can be lost with the process: agents' hosts say again what they do and what they are through with,
 * and for whom a message waits follows from who takes part, from the cursors, and from who was passed over: that is
 * stored, so that what is complete without an agent that is gone is not complete again with each new writer.
 */
export class AgentTurns {
  readonly #options: Pick<AgentTurnsOptions, 'engine' | 'onCancelled' | 'submit'>
  readonly #clock: AwakeClock
  readonly #running: RunningAgents
  readonly #shown: ShownTurns
  readonly #waiting: WaitingMessages
  readonly #links = new LinkCount()
  /** Whom this writer's predecessor passed over. */
  readonly #wereAway: readonly string[]
  #timer: NodeJS.Timeout | undefined

  constructor(options: AgentTurnsOptions) {
    const { engine, publish, onCancelled, submit } = options
    this.#clock = new AwakeClock(options.now ?? (() => performance.now()))
    const now = (): number => this.#clock.nowMs
    this.#options = { engine, onCancelled, submit }
    this.#shown = new ShownTurns({ publish, onCancelled, now })
    this.#waiting = new WaitingMessages({ engine, publish })
    // Whoever was away may be run again as soon as others are.
    this.#wereAway = [...engine.awayAgents]
    engine.awayAgents.clear()
    this.#running = new RunningAgents({
      agents: engine.cursors().keys(),
      away: engine.awayAgents,
      onAway: (agentIds) => {
        for (const agentId of agentIds) this.#waiting.waitNoMore(agentId)
        // Behind what is told of it: a writer that dies in between is followed by one that tells it again.
        this.#options.submit({ type: 'pass-over', id: newId(), agentIds })
      },
      onBack: (agentIds) => this.#back(agentIds),
      now,
    })
  }

  /** Begins to notice who is gone. */
  start(): void {
    if (this.#timer !== undefined) return
    this.#back(this.#wereAway)
    this.#clock.start()
    this.#timer = setInterval(() => {
      this.#clock.look()
      this.#shown.look()
      this.#running.look()
    }, LOOK_INTERVAL_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** What was said while agents were away does not wait for them, and what is said from now on does. */
  #back(agentIds: readonly string[]): void {
    if (agentIds.length === 0) return
    const upTo = this.#options.engine.newestPlace()
    this.#options.submit({ type: 'pass-over', id: newId(), agentIds, upTo })
  }

  /** A command was applied; called in the order of commits, behind the delivery of its entries. */
  applied(command: Command, applied: Applied): void {
    if ('error' in applied) return
    const { outcome, entries, agents, place } = applied
    const posted = entries.find((entry) => entry.kind === 'posted')
    if (agents !== undefined && place !== undefined && posted?.message) {
      this.#waiting.add(posted.message, { agents, place })
    }
    for (const { kind, channelId } of entries) {
      if (kind !== 'removed') continue
      // What is done in a channel that is gone is for nobody.
      for (const { messageId } of this.of(channelId)) this.cancel({ channelId, messageId })
    }
    this.#noteCommand(command, outcome)
  }

  #noteCommand(command: Command, outcome: Outcome): void {
    if (command.type === 'stop-agent' || command.type === 'delete-agent') {
      this.#running.remove(command.agentId)
      this.#waiting.forget(command.agentId)
    }
    if (command.type === 'open-inbox' || command.type === 'start-agent') {
      this.#noteCursor(command.agentId, outcome.place)
    }
    // At 0 where the agent was dismissed: nothing was moved.
    if (command.type === 'settle') this.#noteCursor(command.agentId, outcome.place || undefined)
    if (command.type === 'open-stream') this.#noteStream(command, outcome)
  }

  #noteCursor(agentId: string, place: number | undefined): void {
    if (place === undefined) return
    this.#running.add(agentId)
    this.#waiting.settled(agentId, place)
  }

  #noteStream({ message }: OpenStream, { stream }: Outcome): void {
    if (stream?.state !== 'streaming') return
    this.#shown.streaming(message.channelId, message.authorId, stream.messageId)
  }

  /** The agents that a process runs, all of them. */
  run(owner: string, agentIds: readonly string[]): void {
    this.#shown.keep(owner, new Set(agentIds))
    this.#running.set(owner, agentIds)
  }

  /** Whoever begins what is cancelled has not heard of it. */
  begin(owner: string, turn: TurnRef): void {
    this.#shown.begin(owner, turn)
    const { channelId, messageId, agentId, place } = turn
    const { engine, onCancelled } = this.#options
    if (engine.isCancelled(agentId, place)) onCancelled({ channelId, messageId })
  }

  /** The stream goes on, and so does its agent's turn where it has one. */
  claimed({ channelId, agentId, messageId }: StreamClaim): void {
    this.#shown.streaming(channelId, agentId, messageId)
  }

  end(turn: TurnRef): void {
    this.#shown.end(turn)
    this.#waiting.through(turn)
  }

  /** A link to the process was closed. */
  ownerGone(owner: string): void {
    if (!this.#links.closed(owner)) return
    this.#shown.ownerGone(owner)
    this.#running.set(owner, [])
  }

  /** It has a new one. */
  ownerBack(owner: string): void {
    this.#links.opened(owner)
    this.#shown.ownerBack(owner)
  }

  /** What agents are doing in a channel. */
  of(channelId: string): readonly AgentTurn[] {
    return this.#shown.of(channelId)
  }

  /** The newest messages of a channel that are complete, as far as that is known. */
  completedIn(channelId: string): readonly string[] {
    return this.#waiting.completedIn(channelId)
  }

  /** Asks for the end of the turns about a message, and answers what they are at; undefined where nobody is on it. */
  cancel(cancelled: Cancellation): 'thinking' | 'streaming' | undefined {
    return this.#shown.cancel(cancelled)
  }

  /** Likewise where nobody is on it yet, but one of these agents was to be. */
  withdraw(
    cancelled: Cancellation,
    { agents = [], place = 0 }: { readonly agents?: readonly string[]; readonly place?: number },
  ): boolean {
    if (!this.#waiting.waitsFor(agents, place)) return false
    this.#options.onCancelled(cancelled)
    return true
  }
}
