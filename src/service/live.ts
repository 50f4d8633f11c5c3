import type { ChannelLog, EntryRange, FeedConsumer } from '../log/log.ts'
import type { AgentTurn, Entry, Ephemeral, Position } from '../protocol/model.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createDeferred } from '../util/deferred.ts'
import type { Deferred } from '../util/deferred.ts'
import { Turns } from '../util/turns.ts'
import { beginningOf } from './beginning.ts'
import type { Beginning, Heads, Joined } from './beginning.ts'
import { LiveChannel } from './live-channel.ts'
import type { CatchingUp, Follower } from './live-channel.ts'
import { LeftChannels } from './told-completions.ts'

export type { Joined } from './beginning.ts'
export type { Follower, LiveBatch } from './live-channel.ts'

export interface JoinRequest {
  readonly channelId: string
  readonly follower: Follower
  readonly since?: Position
  /**
   * Decides, where that takes a look into the log, and answers the number of the entry that was the newest
   * then. Called when the feed's position is known and whatever comes later waits for the follower; rejects to
   * refuse, and the follower is then handed nothing and follows nothing. Where something is to be replayed it
   * is asked again once that is read: what is read shows the present, which may be newer than the first answer.
   *
   * The join then begins at that entry, even where the feed has yet to bring it: it was not decided whether
   * the follower had a right when what is still on its way was written.
   */
  readonly admit?: () => Promise<number>
  /**
   * Called once, after what was missed and before anything newer, which begins with the texts of the streams that
   * go on; not when the follower left meanwhile. `turns`: what agents are doing there; where the feed has yet to
   * reach the beginning of the join, none, and it is told when it has.
   */
  readonly onJoined: (joined: Joined, turns: readonly AgentTurn[]) => void
}

/** True where the channel that the entries end in is another than the one they began in. */
function isCut(entries: readonly Entry[]): boolean {
  return entries.some(({ kind }) => kind === 'removed')
}

/** A join that is still to be decided about. */
interface Undecided {
  readonly catching: CatchingUp
  readonly heads: Heads
  readonly admit: () => Promise<number>
}

export interface LiveChannelsOptions {
  /**
   * Most entries replayed to one join; a larger gap, or one of more bytes than the log gives in one
   * read, answers `isRecovered: false`.
   */
  readonly maxResumeEntries: number
  /** Most entries that wait for a follower that is catching up; past it the follower is interrupted. */
  readonly maxBacklogEntries: number
  readonly logger: Logger
  /** Runs what is given once this turn's reads are through; `setImmediate` by default. */
  readonly defer?: (run: () => void) => void
}

/**
 * Hands the log's feed to the followers of each channel in this process.
 *
 * A follower that joins with `since` first gets what it missed, up to the feed's position P at that
 * moment, then the answer, then everything after P: no gap, no duplicate. Reads may be ahead of the
 * feed, which is why P bounds the replay. Joining again starts that follower anew. A join that is decided about
 * gets nothing of an earlier channel of the same id: where one was deleted `since`, it answers
 * `isRecovered: false`.
 *
 * What the feed brings in one turn of the event loop is delivered together at its end. So a process that
 * is busy writing to a thousand followers has, when it is through, one larger batch to write instead of
 * several, and whatever clients sent in that turn is on its way to the writer before the writing begins.
 */
export class LiveChannels implements FeedConsumer {
  readonly #channels = new Map<string, LiveChannel>()
  readonly #left = new LeftChannels()
  readonly #options: LiveChannelsOptions
  readonly #defer: (run: () => void) => void
  /** Replays take turns with each other and with delivery. */
  readonly #turns = new Turns()
  /** Channels with something to deliver at the end of the turn. */
  #due = new Set<LiveChannel>()
  #nextDelivery: Deferred<void> | undefined
  #log: ChannelLog | undefined

  constructor(options: LiveChannelsOptions) {
    this.#options = options
    this.#defer = options.defer ?? setImmediate
  }

  /** Connects the log that feeds this; once, before the first join. */
  attach(log: ChannelLog): void {
    this.#log = log
  }

  get #source(): ChannelLog {
    if (this.#log === undefined) throw new Error('LiveChannels is used before its log is attached')
    return this.#log
  }

  /**
   * Resolves when the follower is live, or has left. One join of a follower at a time.
   *
   * @throws WRITER_UNAVAILABLE when the log does not answer; the follower is then not joined. What `admit`
   * refuses with, likewise.
   */
  async join(request: JoinRequest): Promise<void> {
    const { channelId, follower, since, admit, onJoined } = request
    const channel = this.#channels.get(channelId) ?? this.#open(channelId)
    channel.remove(follower)
    const heads = await this.#heads(channel, since)
    const beginning = this.#beginning(request, heads)
    const { above, missed, joined } = beginning
    if (admit === undefined && missed === undefined && !channel.hasTexts(above)) {
      onJoined(joined, channel.goLive(follower, above))
      return
    }
    const catching = channel.beginCatchUp(follower, above)
    try {
      const begin = async (): Promise<Beginning> =>
        admit === undefined ? beginning : this.#admit(channel, request, { catching, heads, admit })
      await this.#catchUp(channel, request, { catching, begin })
    } catch (error) {
      if (channel.isCatchingUp(follower, catching)) this.leave(channelId, follower)
      throw error
    }
  }

  /** Ends delivery to the follower at once. */
  leave(channelId: string, follower: Follower): void {
    const channel = this.#channels.get(channelId)
    if (channel === undefined) return
    channel.remove(follower)
    this.#closeIfUnused(channel)
  }

  /** Resolves when everything that the feed has brought of the channel until now is delivered. */
  async delivered(channelId: string): Promise<void> {
    const channel = this.#channels.get(channelId)
    if (channel !== undefined && this.#due.has(channel)) await this.#nextDelivery?.promise
  }

  /** True when the follower is still to be handed the entry with this number. */
  willDeliver(channelId: string, follower: Follower, seq: number): boolean {
    return this.#channels.get(channelId)?.willDeliver(follower, seq) ?? false
  }

  onEntries(channelId: string, entries: readonly Entry[]): void {
    this.#arrive(channelId, entries)
  }

  onEphemeral(frame: Ephemeral): void {
    this.#arrive(frame.channelId, frame)
  }

  #arrive(channelId: string, item: readonly Entry[] | Ephemeral): void {
    const channel = this.#channels.get(channelId)
    if (channel === undefined) return
    channel.arrive(item)
    this.#due.add(channel)
    if (this.#nextDelivery !== undefined) return
    this.#nextDelivery = createDeferred()
    this.#defer(() => {
      this.#deliver()
    })
  }

  #deliver(): void {
    const due = this.#due
    const delivery = this.#nextDelivery
    this.#due = new Set()
    this.#nextDelivery = undefined
    for (const channel of due) channel.deliver()
    delivery?.resolve()
  }

  #open(channelId: string): LiveChannel {
    const channel = new LiveChannel({
      channelId,
      completions: this.#left.take(channelId),
      maxBacklogEntries: this.#options.maxBacklogEntries,
      turns: this.#turns,
      logger: this.#options.logger,
      onUnused: (unused) => {
        this.#closeIfUnused(unused)
      },
    })
    this.#channels.set(channelId, channel)
    channel.open(this.#source.follow(channelId))
    return channel
  }

  /** Where the feed is and, where a joiner claims to be further, where the log is. */
  async #heads(channel: LiveChannel, since: Position | undefined): Promise<Heads> {
    const { epoch } = this.#source
    channel.waiting += 1
    try {
      await channel.opened()
      // Thousands come back at once after a lost network: nobody else is to wait for all of them.
      if (since !== undefined) await this.#turns.next({ begun: false })
      const isAhead = since !== undefined && since.seq > channel.position
      const stored = isAhead ? await this.#source.head(channel.channelId) : 0
      return { head: { epoch, seq: channel.position }, stored }
    } catch (error) {
      this.#abandon(channel)
      throw error
    } finally {
      channel.waiting -= 1
    }
  }

  /** A channel that nobody follows because its opening failed is opened afresh by the next join. */
  #abandon(channel: LiveChannel): void {
    if (channel.size > 0 || this.#channels.get(channel.channelId) !== channel) return
    this.#channels.delete(channel.channelId)
    this.#left.keep(channel.completions)
    this.#source.unfollow(channel.channelId)
  }

  #closeIfUnused(channel: LiveChannel): void {
    if (channel.waiting === 0) this.#abandon(channel)
  }

  #beginning({ channelId, since }: JoinRequest, heads: Heads): Beginning {
    const { maxResumeEntries } = this.#options
    return beginningOf({ channelId, since, maxResumeEntries }, heads)
  }

  /** Moves the beginning of a join to where it was decided about. */
  async #admit(
    channel: LiveChannel,
    request: JoinRequest,
    { catching, heads, admit }: Undecided,
  ): Promise<Beginning> {
    const from = heads.head.seq
    // Reads are at least as new as the feed.
    const seq = Math.max(from, await admit())
    const beginning = this.#beginning(request, { ...heads, head: { ...heads.head, seq } })
    channel.admit(catching, { above: beginning.above, from, behind: seq })
    return beginning
  }

  async #catchUp(
    channel: LiveChannel,
    request: JoinRequest,
    {
      catching,
      begin,
    }: { readonly catching: CatchingUp; readonly begin: () => Promise<Beginning> },
  ): Promise<void> {
    const { joined, missed } = await begin()
    const entries = missed === undefined ? [] : await this.#missed(request, missed)
    await channel.catchUp(request.follower, catching, {
      entries: entries ?? [],
      onReplayed: (turns) => {
        request.onJoined(entries === undefined ? { ...joined, isRecovered: false } : joined, turns)
      },
    })
  }

  /** All of what was missed, or undefined: the log may answer a prefix, and not all is for everybody. */
  async #missed({ admit }: JoinRequest, range: EntryRange): Promise<readonly Entry[] | undefined> {
    const entries = await this.#source.entries(range)
    const isWhole = entries.at(-1)?.seq === range.upTo
    if (admit === undefined) return isWhole ? entries : undefined
    const now = await admit()
    if (!isWhole || isCut(entries)) return undefined
    // What was read may show a channel that came and went between the two decisions.
    return (await this.#isSameChannel(range, now)) ? entries : undefined
  }

  async #isSameChannel({ channelId, upTo: after }: EntryRange, upTo: number): Promise<boolean> {
    if (upTo <= after) return true
    const limit = this.#options.maxResumeEntries
    const entries = await this.#source.entries({ channelId, after, upTo, limit })
    return entries.at(-1)?.seq === upTo && !isCut(entries)
  }
}
