import type { Entry, Ephemeral } from '../protocol/model.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Turns } from '../util/turns.ts'

/** Entries of one channel that are handed to all its followers in this process at once. */
export interface LiveBatch {
  readonly channelId: string
  readonly entries: readonly Entry[]
  /** True for entries that one follower missed and asked for. */
  readonly isReplay: boolean
}

/** One who receives a channel: a connection's membership, or an agent's. */
export interface Follower {
  /** Called in `seq` order, each entry once; the batch object is shared by all followers of the channel. */
  onEntries(batch: LiveBatch): void
  /** The same while it catches up: resolves when it can take more, or wants no more. Never rejects. */
  catchUp(batch: LiveBatch): Promise<void>
  onEphemeral(frame: Ephemeral): void
  /** Something was lost on the way to it: it follows no more and has to resume. */
  onInterrupted(): void
}

/** A follower that is handed what it missed, or not admitted yet, and what came for it meanwhile. */
export interface CatchingUp {
  /** Everything up to there it has seen already. */
  above: number
  /** What the feed brings up to there, frames in between too, is not for it: 0 where nobody decided. */
  behind: number
  backlog: (LiveBatch | Ephemeral)[]
  backlogEntries: number
}

/** As of one that catches up. */
type Live = Readonly<Pick<CatchingUp, 'above' | 'behind'>>

export interface LiveChannelOptions {
  readonly channelId: string
  /** The position after which the feed continues. */
  readonly opening: Promise<number>
  readonly maxBacklogEntries: number
  /** For the slices of what followers missed. */
  readonly turns: Turns
  readonly logger: Logger
  /** Called when a follower was lost and none may be left. */
  readonly onUnused: (channel: LiveChannel) => void
}

/** Entries that a follower gets before it is asked whether it can take more. */
const SLICE_ENTRIES = 128

/** The batch without what a follower has seen already: itself for nearly everybody, so that it is shared. */
function unseenOf(batch: LiveBatch, above: number): LiveBatch | undefined {
  const first = batch.entries[0]?.seq ?? 0
  if (first > above) return batch
  const entries = batch.entries.filter(({ seq }) => seq > above)
  return entries.length > 0 ? { ...batch, entries } : undefined
}

/** What came, from a position on, without what was brought up to a later one. */
function broughtBehind(
  behind: number,
  from: number,
  came: readonly (LiveBatch | Ephemeral)[],
): (LiveBatch | Ephemeral)[] {
  let position = from
  return came.flatMap((item): (LiveBatch | Ephemeral)[] => {
    if (!('entries' in item)) return position < behind ? [] : [item]
    position = item.entries.at(-1)?.seq ?? position
    const unseen = unseenOf(item, behind)
    return unseen === undefined ? [] : [unseen]
  })
}

/** The followers of one channel, each with how far it is. */
export class LiveChannel {
  readonly channelId: string
  /** Joins under way: while there are any the channel stays open. */
  waiting = 0
  readonly #options: LiveChannelOptions
  readonly #followers = new Map<Follower, Live | CatchingUp>()
  /** What came and is not delivered yet, in order; runs of entries are joined. */
  #arrived: (Entry[] | Ephemeral)[] = []
  #position: number | undefined

  constructor(options: LiveChannelOptions) {
    this.channelId = options.channelId
    this.#options = options
  }

  get size(): number {
    return this.#followers.size
  }

  /** Everything up to here was handed to the followers that are live. */
  get position(): number {
    return this.#position ?? 0
  }

  /** Resolves when the position is known. */
  async opened(): Promise<void> {
    const position = await this.#options.opening
    this.#position ??= position
  }

  /** From now on the follower gets what comes, without what it has seen already. */
  goLive(follower: Follower, above = 0, behind = 0): void {
    this.#followers.set(follower, { above: Math.max(above, behind), behind })
  }

  /** From now on what comes waits for the follower until `catchUp` is through. */
  beginCatchUp(follower: Follower, above: number): CatchingUp {
    const catching: CatchingUp = { above, behind: 0, backlog: [], backlogEntries: 0 }
    this.#followers.set(follower, catching)
    return catching
  }

  /**
   * It was let in at the entry `behind`: of what waits for it since the position `from`, and of what comes,
   * it gets nothing that was brought up to there.
   */
  admit(
    catching: CatchingUp,
    admitted: { readonly above: number; readonly from: number; readonly behind: number },
  ): void {
    const { above, from, behind } = admitted
    catching.above = above
    catching.behind = behind
    catching.backlog = broughtBehind(behind, from, catching.backlog)
    const sizes = catching.backlog.map((item) => ('entries' in item ? item.entries.length : 1))
    catching.backlogEntries = sizes.reduce((sum, size) => sum + size, 0)
  }

  isCatchingUp(follower: Follower, catching: CatchingUp): boolean {
    return this.#followers.get(follower) === catching
  }

  remove(follower: Follower): void {
    this.#followers.delete(follower)
  }

  /** True when the follower is still to be handed the entry with this number. */
  willDeliver(follower: Follower, seq: number): boolean {
    const state = this.#followers.get(follower)
    if (state === undefined) return false
    return seq > ('backlog' in state ? state.above : Math.max(state.above, this.position))
  }

  /** Takes what the feed brought; followers get it with the next `deliver`. */
  arrive(item: readonly Entry[] | Ephemeral): void {
    const last = this.#arrived.at(-1)
    if ('kind' in item) this.#arrived.push(item)
    else if (Array.isArray(last)) last.push(...item)
    else this.#arrived.push([...item])
  }

  /** Hands what arrived to all followers. */
  deliver(): void {
    const arrived = this.#arrived
    this.#arrived = []
    for (const item of arrived) {
      if ('kind' in item) this.#deliverFrame(item)
      else this.#deliverEntries(item)
    }
  }

  /**
   * Hands over what was missed, then what came meanwhile, at the follower's pace, and makes it live.
   * Ends early, calling nothing more, when the follower leaves.
   */
  async catchUp(
    follower: Follower,
    catching: CatchingUp,
    missed: { readonly entries: readonly Entry[]; readonly onReplayed: () => void },
  ): Promise<void> {
    const { channelId } = this
    for (let start = 0; start < missed.entries.length; start += SLICE_ENTRIES) {
      // The first belongs to the turn in which it was read.
      if (start > 0) await this.#options.turns.next({ begun: true })
      if (!this.isCatchingUp(follower, catching)) return
      const entries = missed.entries.slice(start, start + SLICE_ENTRIES)
      await follower.catchUp({ channelId, entries, isReplay: true })
    }
    if (!this.isCatchingUp(follower, catching)) return
    missed.onReplayed()
    for (let next = catching.backlog.shift(); next; next = catching.backlog.shift()) {
      if ('entries' in next) await follower.catchUp(next)
      else follower.onEphemeral(next)
      if (!this.isCatchingUp(follower, catching)) return
    }
    // Nothing can come between the last look at the backlog and this.
    this.goLive(follower, catching.above, catching.behind)
  }

  #deliverEntries(entries: readonly Entry[]): void {
    const last = entries.at(-1)
    if (last === undefined) return
    this.#position = last.seq
    const batch: LiveBatch = { channelId: this.channelId, entries, isReplay: false }
    this.#forEach((follower, state) => {
      const unseen = unseenOf(batch, Math.max(state.above, state.behind))
      if (unseen === undefined) return
      if ('backlog' in state) this.#postpone(state, unseen, unseen.entries.length)
      else follower.onEntries(unseen)
    })
  }

  #deliverFrame(frame: Ephemeral): void {
    this.#forEach((follower, state) => {
      if (this.position < state.behind) return
      if ('backlog' in state) this.#postpone(state, frame, 1)
      else follower.onEphemeral(frame)
    })
  }

  #postpone(catching: CatchingUp, item: LiveBatch | Ephemeral, size: number): void {
    catching.backlog.push(item)
    catching.backlogEntries += size
    if (catching.backlogEntries > this.#options.maxBacklogEntries) {
      throw new Error('the follower catches up more slowly than the channel grows')
    }
  }

  /** One follower's fault costs the others nothing; it has missed something and must resume. */
  #forEach(act: (follower: Follower, state: Live | CatchingUp) => void): void {
    for (const [follower, state] of this.#followers) {
      try {
        act(follower, state)
      } catch (error) {
        const { channelId } = this
        this.#options.logger.warn({ err: error, channelId }, 'follower interrupted')
        this.remove(follower)
        follower.onInterrupted()
        this.#options.onUnused(this)
      }
    }
  }
}
