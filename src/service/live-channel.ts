import type { AgentTurn, Entry, Ephemeral, StreamChunk } from '../protocol/model.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Turns } from '../util/turns.ts'
import { ChannelWork, isWorkFrame, joinedChunk } from './channel-work.ts'
import type { ToldCompletions } from './told-completions.ts'

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
  /** Takes the text so far of a stream that goes on, right behind the join's answer, like `catchUp`. */
  catchUpText(text: StreamChunk): Promise<void>
  /** Something was lost on the way to it: it follows no more and has to resume. */
  onInterrupted(): void
}

/** A follower that is handed what it missed, or not admitted yet, and what came for it meanwhile. */
export interface CatchingUp {
  /** Everything up to there it has seen already. */
  above: number
  /** What the feed brings up to there, frames in between too, is not for it: 0 where nobody decided. */
  behind: number
  /**
   * Whether it is told what agents do. It is not before the feed has reached what it has seen, or where it was
   * let in: their work there may be of streams that it has the end of, or be none of its business.
   */
  isShown: boolean
  /** What agents were doing where its backlog begins; nothing where it is not shown yet. */
  work: ChannelWork
  backlog: (LiveBatch | Ephemeral)[]
  backlogEntries: number
}

/** As of one that catches up. */
type Live = Pick<CatchingUp, 'above' | 'behind' | 'isShown'>

export interface LiveChannelOptions {
  readonly channelId: string
  /** What was told there before. */
  readonly completions: ToldCompletions
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

/** What came, from a position on, without what was brought up to a later one, which `dropped` takes. */
function broughtBehind(
  { from, behind }: { readonly from: number; readonly behind: number },
  came: readonly (LiveBatch | Ephemeral)[],
  dropped: ChannelWork,
): (LiveBatch | Ephemeral)[] {
  let position = from
  return came.flatMap((item): (LiveBatch | Ephemeral)[] => {
    if (!('entries' in item)) {
      if (position >= behind) return [item]
      dropped.take(item)
      return []
    }
    position = item.entries.at(-1)?.seq ?? position
    dropped.takeEntries(item.entries.filter(({ seq }) => seq <= behind))
    const unseen = unseenOf(item, behind)
    return unseen === undefined ? [] : [unseen]
  })
}

/** Appends a chunk to the one before it of its stream, where only other chunks are behind that. */
function joinsBacklog(backlog: (LiveBatch | Ephemeral)[], chunk: StreamChunk): boolean {
  for (let index = backlog.length - 1; index >= 0; index -= 1) {
    const item = backlog[index]
    if (item === undefined || 'entries' in item || item.kind !== 'chunk') return false
    if (item.messageId !== chunk.messageId) continue
    backlog[index] = joinedChunk(item, chunk)
    return true
  }
  return false
}

/** The followers of one channel, each with how far it is, and what agents do there. */
export class LiveChannel {
  readonly channelId: string
  /** Joins under way: while there are any the channel stays open. */
  waiting = 0
  readonly #options: LiveChannelOptions
  readonly #followers = new Map<Follower, Live | CatchingUp>()
  /** What came and is not delivered yet, in order; runs of entries are joined. */
  #arrived: (Entry[] | Ephemeral)[] = []
  #position: number | undefined
  #opening: Promise<number> | undefined
  /** As of what was delivered. */
  readonly #work: ChannelWork
  readonly completions: ToldCompletions

  constructor(options: LiveChannelOptions) {
    this.channelId = options.channelId
    this.#options = options
    this.#work = new ChannelWork(options.channelId)
    this.completions = options.completions
  }

  /** Takes the position after which the feed continues, once. */
  open(opening: Promise<number>): void {
    this.#opening = opening
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
    const position = await this.#opening
    this.#position ??= position
  }

  /** Whether a follower that joins after this number has texts to catch up with. */
  hasTexts(above: number): boolean {
    return this.#hasReached(above) && this.#work.hasStreams
  }

  /**
   * From now on the follower gets what comes, without what it has seen already. Answers what agents are doing,
   * of which it is told all that changes; nothing where that comes later.
   */
  goLive(follower: Follower, above: number): readonly AgentTurn[] {
    const isShown = this.#hasReached(above)
    this.#followers.set(follower, { above, behind: 0, isShown })
    return isShown ? this.#work.turns() : []
  }

  /** From now on what comes waits for the follower until `catchUp` is through. */
  beginCatchUp(follower: Follower, above: number): CatchingUp {
    const isShown = this.#hasReached(above)
    const work = isShown ? this.#work.copy() : new ChannelWork(this.channelId)
    const room = { backlog: [], backlogEntries: 0 }
    const catching: CatchingUp = { above, behind: 0, isShown, work, ...room }
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
    catching.backlog = broughtBehind({ from, behind }, catching.backlog, catching.work)
    if (!this.#hasReached(behind)) {
      catching.isShown = false
      catching.work = new ChannelWork(this.channelId)
    }
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
    const isFirst = this.#followers.size === 0 && this.#arrived.length === 0
    if (isFirst && 'kind' in item && item.kind === 'activity') {
      // What the feed begins with: known before the first join is answered.
      this.#work.take(item)
      return
    }
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
   * Hands over what was missed, the texts so far, then what came meanwhile, at the follower's pace, and makes it
   * live. Ends early, calling nothing more, when the follower leaves.
   */
  async catchUp(
    follower: Follower,
    catching: CatchingUp,
    missed: {
      readonly entries: readonly Entry[]
      readonly onReplayed: (turns: readonly AgentTurn[]) => void
    },
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
    missed.onReplayed(catching.work.turns())
    for (const text of catching.work.texts()) {
      if (!this.isCatchingUp(follower, catching)) return
      await follower.catchUpText(text)
    }
    await this.#workOff(follower, catching)
  }

  async #workOff(follower: Follower, catching: CatchingUp): Promise<void> {
    const { above, behind } = catching
    while (this.isCatchingUp(follower, catching)) {
      const next = catching.backlog.shift()
      if (next === undefined) {
        // Nothing can come between the last look at the backlog and this.
        const { isShown } = catching
        this.#followers.set(follower, { above: Math.max(above, behind), behind, isShown })
      } else if ('entries' in next) await follower.catchUp(next)
      else follower.onEphemeral(next)
    }
  }

  #hasReached(seq: number): boolean {
    return this.position >= seq
  }

  #deliverEntries(entries: readonly Entry[]): void {
    const last = entries.at(-1)
    if (last === undefined) return
    this.#position = last.seq
    this.#work.takeEntries(entries)
    this.completions.takeEntries(entries)
    const batch: LiveBatch = { channelId: this.channelId, entries, isReplay: false }
    this.#forEach((follower, state) => {
      const unseen = unseenOf(batch, Math.max(state.above, state.behind))
      if (unseen !== undefined) {
        if ('backlog' in state) this.#postpone(state, unseen)
        else follower.onEntries(unseen)
      }
      if (!state.isShown) this.#showWork(follower, state)
    })
  }

  /** Tells what agents are doing where the feed has just reached the follower's beginning. */
  #showWork(follower: Follower, state: Live | CatchingUp): void {
    if (!this.#hasReached(Math.max(state.above, state.behind))) return
    state.isShown = true
    for (const frame of this.#work.frames()) {
      if (this.#followers.get(follower) !== state) return
      if ('backlog' in state) this.#postpone(state, frame)
      else follower.onEphemeral(frame)
    }
  }

  #deliverFrame(arrived: Ephemeral): void {
    for (const frame of this.completions.take(arrived).flatMap((one) => this.#work.take(one))) {
      const isWork = isWorkFrame(frame)
      this.#forEach((follower, state) => {
        if (this.position < state.behind || (isWork && !state.isShown)) return
        if ('backlog' in state) this.#postpone(state, frame)
        else follower.onEphemeral(frame)
      })
    }
  }

  #postpone(catching: CatchingUp, item: LiveBatch | Ephemeral): void {
    if ('kind' in item && item.kind === 'chunk' && joinsBacklog(catching.backlog, item)) return
    catching.backlog.push(item)
    catching.backlogEntries += 'entries' in item ? item.entries.length : 1
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
