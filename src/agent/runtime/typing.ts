import { LIMITS } from '../../protocol/limits.ts'
import type { TypingSignal } from '../../signals/signals.ts'

/** Milliseconds between two starts in one channel that others are told of: signals travel at human rates. */
const MIN_START_INTERVAL_MS = 1_000
/** Channels remembered; past it those whose start is too old to matter are forgotten. */
const MAX_REMEMBERED = 256

/** Tells those in a channel that an entity types, on all gateways. May be lost. */
export type TellTyping = (signal: TypingSignal) => void

interface Shown {
  readonly startedMs: number
  readonly isShown: boolean
}

/** What others see of an agent's typing: told when it changes, and no more than once a second per channel. */
export class AgentTyping {
  readonly #entityId: string
  readonly #tell: TellTyping
  readonly #channels = new Map<string, Shown>()

  constructor(entityId: string, tell: TellTyping) {
    this.#entityId = entityId
    this.#tell = tell
  }

  set(channelId: string, isTyping: boolean): void {
    if (isTyping) this.#start(channelId)
    else this.#stop(channelId)
  }

  #start(channelId: string): void {
    const startedMs = performance.now()
    const last = this.#channels.get(channelId)
    if (last !== undefined && startedMs - last.startedMs < MIN_START_INTERVAL_MS) return
    if (this.#channels.size >= MAX_REMEMBERED) this.#forgetBefore(startedMs - LIMITS.typingTtlMs)
    this.#channels.set(channelId, { startedMs, isShown: true })
    this.#send(channelId, true)
  }

  #stop(channelId: string): void {
    const last = this.#channels.get(channelId)
    if (last?.isShown !== true) return
    this.#channels.set(channelId, { ...last, isShown: false })
    this.#send(channelId, false)
  }

  #send(channelId: string, isTyping: boolean): void {
    this.#tell({ channelId, entityId: this.#entityId, isTyping, ttlMs: LIMITS.typingTtlMs })
  }

  #forgetBefore(ms: number): void {
    for (const [channelId, { startedMs }] of this.#channels) {
      if (startedMs < ms) this.#channels.delete(channelId)
    }
  }
}
