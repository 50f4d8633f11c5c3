import { ChannelError } from '../../protocol/errors.ts'
import type { Applied, AwaitedMessage, ChannelAgent, LogEngine, StoredStream } from '../engine.ts'
import type { Command } from '../log.ts'
import { applyCommand } from './apply.ts'
import { awaitedBy, awaitedMessages } from './awaited.ts'
import { ENGINE_LIMITS } from './limits.ts'
import { StoreReader } from './reader.ts'
import { PASSED_ALL } from './inbox-store.ts'
import type { WriteStore } from './store.ts'
import { streamsOf } from './streams.ts'
import { sweepSlice } from './sweep.ts'
import { agentsOf } from './views.ts'

/** A `LogEngine` whose owner can let it tidy up. */
export interface SweepingEngine extends LogEngine {
  /** Erases one slice of cleared content, durably; true while more is left. For idle moments. */
  sweep(): boolean
}

export interface StoreEngineOptions {
  readonly store: WriteStore
  /** Epoch ms. */
  readonly now: () => number
  /** Of one channel; see `ENGINE_LIMITS`. */
  readonly maxParticipants?: number | undefined
  /** Whether an error of the store's transaction says that there was no room, so that all of it was undone. */
  readonly isFull?: (error: unknown) => boolean
}

/**
 * The commands over any store.
 *
 * After a call that threw anything but `STORAGE_FULL`, every further change is refused: what the failed
 * storage holds is known only to the next one that opens it.
 */
export class StoreEngine extends StoreReader implements SweepingEngine {
  readonly awayAgents: Set<string>
  readonly #store: WriteStore
  readonly #now: () => number
  readonly #maxParticipants: number
  readonly #isFull: (error: unknown) => boolean
  #failure: unknown

  constructor(options: StoreEngineOptions) {
    super(options.store)
    this.#store = options.store
    this.awayAgents = passedOverIn(options.store)
    this.#now = options.now
    this.#maxParticipants = options.maxParticipants ?? ENGINE_LIMITS.maxParticipants
    this.#isFull = options.isFull ?? (() => false)
  }

  apply(commands: readonly Command[]): readonly Applied[] {
    const context = {
      store: this.#store,
      nowMs: this.#now(),
      maxParticipants: this.#maxParticipants,
      isAway: (agentId: string) => this.awayAgents.has(agentId),
    }
    return this.#durably(() => {
      const applied = commands.map((command) => applyCommand(context, command))
      sweepSlice(this.#store)
      return applied
    })
  }

  activeStreams(): readonly StoredStream[] {
    return this.#store.snapshot(() => streamsOf(this.#store))
  }

  agentsIn(channelId: string): readonly ChannelAgent[] {
    const channel = this.#store.channel(channelId)
    return channel === undefined ? [] : agentsOf(this.#store, channel)
  }

  awaitedBy(place: number): readonly string[] | undefined {
    return this.#store.snapshot(() => awaitedBy(this.#store, place))
  }

  awaited(): readonly AwaitedMessage[] {
    return this.#store.snapshot(() => awaitedMessages(this.#store))
  }

  cursors(): ReadonlyMap<string, number> {
    return this.#store.inbox.cursors()
  }

  isCancelled(agentId: string, place: number): boolean {
    return this.#store.inbox.cancelled(agentId, place - 1, place).size > 0
  }

  sweep(): boolean {
    if (this.#store.unsweptChannel() === undefined) return false
    return this.#durably(() => sweepSlice(this.#store))
  }

  #durably<T>(write: () => T): T {
    if (this.#failure !== undefined) {
      throw new Error('the log failed before and takes no more changes', { cause: this.#failure })
    }
    try {
      return this.#store.transaction(write)
    } catch (error) {
      if (this.#isFull(error)) throw new ChannelError('STORAGE_FULL', undefined, { cause: error })
      this.#failure = error
      throw error
    }
  }
}

function passedOverIn({ inbox }: WriteStore): Set<string> {
  const agents = [...inbox.passedOver()].filter(([, upTo]) => upTo === PASSED_ALL)
  return new Set(agents.map(([agentId]) => agentId))
}
