import type { AgentTurn, Ephemeral } from '../../protocol/model.ts'
import type { Cancellation, TurnRef } from '../agent-work.ts'

export interface ShownTurnsOptions {
  readonly publish: (frame: Ephemeral) => void
  readonly onCancelled: (cancelled: Cancellation) => void
  /** Milliseconds, without those in which this process stood still. */
  readonly now: () => number
}

/** Milliseconds that a process has to come back before its turns are over for those who look on. */
const GONE_AFTER_MS = 2_000

interface Shown {
  readonly owner: string
  readonly turn: AgentTurn
  isCancelled: boolean
}

/**
 * What is shown of agents at work: one turn at most for an agent and channel, as many as are handed out at a time.
 */
export class ShownTurns {
  readonly #options: ShownTurnsOptions
  /** By channel and agent. */
  readonly #channels = new Map<string, Map<string, Shown>>()
  readonly #goneSince = new Map<string, number>()

  constructor(options: ShownTurnsOptions) {
    this.#options = options
  }

  begin(owner: string, { agentId, channelId, messageId }: TurnRef): void {
    const known = this.#channels.get(channelId)?.get(agentId)
    const isKnown = known?.turn.messageId === messageId
    if (isKnown && known.isCancelled) this.#options.onCancelled({ channelId, messageId })
    // Said again over a new link: what it had come to stands.
    if (isKnown && known.owner === owner) return
    if (known !== undefined && !isKnown) this.#hide(channelId, known)
    const turns = this.#channels.get(channelId) ?? new Map<string, Shown>()
    this.#channels.set(channelId, turns)
    const turn = { agentId, messageId, state: 'thinking' } as const
    turns.set(agentId, { owner, turn, isCancelled: isKnown && known.isCancelled })
    this.#options.publish({ kind: 'turn', channelId, ...turn })
  }

  /** The agent has begun a stream; what it says outside of a turn is not shown as one. */
  streaming(channelId: string, agentId: string, streamMessageId: string): void {
    const shown = this.#channels.get(channelId)?.get(agentId)
    if (shown === undefined || shown.turn.streamMessageId === streamMessageId) return
    const turn = { ...shown.turn, state: 'streaming', streamMessageId } as const
    this.#channels.get(channelId)?.set(agentId, { ...shown, turn })
    this.#options.publish({ kind: 'turn', channelId, ...turn })
  }

  end({ agentId, channelId, messageId }: TurnRef): void {
    const shown = this.#channels.get(channelId)?.get(agentId)
    if (shown?.turn.messageId === messageId) this.#hide(channelId, shown)
  }

  /** Answers what is shown of the message: `streaming` where one of the agents on it speaks already. */
  cancel({ channelId, messageId }: Cancellation): 'thinking' | 'streaming' | undefined {
    let state: 'thinking' | 'streaming' | undefined
    for (const shown of this.#channels.get(channelId)?.values() ?? []) {
      if (shown.turn.messageId !== messageId) continue
      if (state !== 'streaming') state = shown.turn.state === 'streaming' ? 'streaming' : 'thinking'
      shown.isCancelled = true
    }
    if (state !== undefined) this.#options.onCancelled({ channelId, messageId })
    return state
  }

  of(channelId: string): readonly AgentTurn[] {
    const turns = this.#channels.get(channelId)
    return turns === undefined ? [] : [...turns.values()].map(({ turn }) => turn)
  }

  /** The process runs these agents: what others of it did is over. */
  keep(owner: string, agentIds: ReadonlySet<string>): void {
    for (const [channelId, turns] of this.#channels) {
      for (const shown of turns.values()) {
        if (shown.owner === owner && !agentIds.has(shown.turn.agentId)) this.#hide(channelId, shown)
      }
    }
  }

  ownerGone(owner: string): void {
    this.#goneSince.set(owner, this.#options.now())
  }

  ownerBack(owner: string): void {
    this.#goneSince.delete(owner)
  }

  /** Ends what nobody works at any more. */
  look(): void {
    if (this.#goneSince.size === 0) return
    const since = this.#options.now() - GONE_AFTER_MS
    for (const [owner, goneMs] of this.#goneSince) {
      if (goneMs > since) continue
      this.#goneSince.delete(owner)
      for (const [channelId, turns] of this.#channels) {
        for (const shown of turns.values()) if (shown.owner === owner) this.#hide(channelId, shown)
      }
    }
  }

  #hide(channelId: string, { turn }: Shown): void {
    const turns = this.#channels.get(channelId)
    turns?.delete(turn.agentId)
    if (turns?.size === 0) this.#channels.delete(channelId)
    const { agentId, messageId } = turn
    this.#options.publish({ kind: 'turn', channelId, agentId, messageId, state: 'idle' })
  }
}
