import type { AgentTurn, Ephemeral } from '../../protocol/model.ts'
import type { Cancellation, TurnRef } from '../agent-work.ts'
import type { Command, Outcome } from '../commands.ts'
import type { Applied, LogEngine } from '../engine.ts'
import { RunningAgents } from './running-agents.ts'
import { ShownTurns } from './shown-turns.ts'
import { WaitingMessages } from './waiting-messages.ts'

export interface AgentTurnsOptions {
  readonly engine: Pick<LogEngine, 'agentsIn' | 'awayAgents' | 'cursors'>
  readonly publish: (frame: Ephemeral) => void
  /** Tells whoever runs agents. */
  readonly onCancelled: (cancelled: Cancellation) => void
  /** Elapsed milliseconds. */
  readonly now?: () => number
}

/** Milliseconds between two looks for processes and agents that are gone. */
const LOOK_INTERVAL_MS = 250

/**
 * The writer's memory of what agents do: what is shown of it, and which messages are not complete yet.
 *
 * All of it can be lost with the process: agents' hosts say again what they do and what they are through with,
 * and for whom a message waits follows from who takes part and from the cursors.
 */
export class AgentTurns {
  readonly #running: RunningAgents
  readonly #shown: ShownTurns
  readonly #waiting: WaitingMessages
  #timer: NodeJS.Timeout | undefined

  constructor({ engine, publish, onCancelled, now = () => performance.now() }: AgentTurnsOptions) {
    this.#shown = new ShownTurns({ publish, onCancelled, now })
    this.#waiting = new WaitingMessages({ engine, publish })
    this.#running = new RunningAgents({
      agents: engine.cursors().keys(),
      away: engine.awayAgents,
      onAway: (agentId) => {
        this.#waiting.waitNoMore(agentId)
      },
      now,
    })
  }

  /** Begins to notice who is gone. */
  start(): void {
    this.#timer ??= setInterval(() => {
      this.#shown.look()
      this.#running.look()
    }, LOOK_INTERVAL_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A command was applied; called in the order of commits, behind the delivery of its entries. */
  applied(command: Command, applied: Applied): void {
    if ('error' in applied) return
    const { outcome, entries, agents, place } = applied
    const posted = entries.find((entry) => entry.kind === 'posted')
    if (agents !== undefined && place !== undefined && posted?.message) {
      this.#waiting.add(posted.message, { agents, place })
    }
    this.#noteCommand(command, outcome)
  }

  #noteCommand(command: Command, outcome: Outcome): void {
    if (command.type === 'open-inbox') this.#running.add(command.agentId)
    if (command.type === 'stop-agent' || command.type === 'delete-agent') {
      this.#waiting.waitNoMore(command.agentId)
    }
    if (command.type === 'open-inbox' || command.type === 'settle') {
      this.#waiting.settled(command.agentId, outcome.place ?? 0)
    }
    if (command.type === 'open-stream' && outcome.stream?.state === 'streaming') {
      const { channelId, authorId } = command.message
      this.#shown.streaming(channelId, authorId, outcome.stream.messageId)
    }
  }

  /** The agents that a process runs, all of them. */
  run(owner: string, agentIds: readonly string[]): void {
    this.#shown.keep(owner, new Set(agentIds))
    this.#running.set(owner, agentIds)
  }

  begin(owner: string, turn: TurnRef): void {
    this.#shown.begin(owner, turn)
  }

  end(turn: TurnRef): void {
    this.#shown.end(turn)
    this.#waiting.through(turn)
  }

  /** The process has no link any more. */
  ownerGone(owner: string): void {
    this.#shown.ownerGone(owner)
    this.#running.set(owner, [])
  }

  /** It has one again. */
  ownerBack(owner: string): void {
    this.#shown.ownerBack(owner)
  }

  /** What agents are doing in a channel. */
  of(channelId: string): readonly AgentTurn[] {
    return this.#shown.of(channelId)
  }

  /** Asks for the end of the turns about a message; false where nobody is on it. */
  cancel(cancelled: Cancellation): boolean {
    return this.#shown.cancel(cancelled)
  }
}
