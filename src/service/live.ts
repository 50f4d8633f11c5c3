import type { ChannelLog, EntryRange, FeedConsumer } from '../log/log.ts'
import type { Entry, Ephemeral, Position } from '../protocol/model.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createDeferred } from '../util/deferred.ts'
import type { Deferred } from '../util/deferred.ts'
import { Turns } from '../util/turns.ts'
import { LiveChannel } from './live-channel.ts'
import type { Follower } from './live-channel.ts'

export type { Follower, LiveBatch } from './live-channel.ts'

/** The answer to a join: delivery goes on after `seq`. */
export interface Joined extends Position {
  /** Present where the joiner said since when: whether everything it missed was replayed. */
  readonly isRecovered?: boolean
}

export interface JoinRequest {
  readonly channelId: string
  readonly follower: Follower
  readonly since?: Position
  /**
   * Decides, where that takes a look into the log. Called when the feed's position is known and whatever
   * comes later waits for the follower; rejects to refuse, and the follower is then handed nothing and
   * follows nothing. Where something is to be replayed it is asked again once that is read: what is read
   * shows the present, which may be newer than the first answer.
   */
  readonly admit?: () => Promise<void>
  /** Called once, after what was missed and before anything newer; not when the follower left meanwhile. */
  readonly onJoined: (joined: Joined) => void
}

/** Where the feed is and, where it matters, where the log is. */
interface Heads {
  readonly head: Position
  readonly stored: number
}

/** How a join begins: its answer, the number above which it gets everything, and what of that is to be read. */
interface Beginning {
  readonly joined: Joined
  readonly above: number
  readonly missed?: EntryRange
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
 * feed, which is why P bounds the replay. Joining again starts that follower anew.
 *
 * What the feed brings in one turn of the event loop is delivered together at its end. So a process that
 * is busy writing to a thousand followers has, when it is through, one larger batch to write instead of
 * several, and whatever clients sent in that turn is on its way to the writer before the writing begins.
 */
export class LiveChannels implements FeedConsumer {
  readonly #channels = new Map<string, LiveChannel>()
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
    const beginning = this.#beginning(channelId, since, await this.#heads(channel, since))
    if (admit === undefined && beginning.missed === undefined) {
      channel.goLive(follower, beginning.above)
      onJoined(beginning.joined)
    } else {
      await this.#catchUp(channel, request, beginning)
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
      opening: this.#source.follow(channelId),
      maxBacklogEntries: this.#options.maxBacklogEntries,
      turns: this.#turns,
      logger: this.#options.logger,
      onUnused: (unused) => {
        this.#closeIfUnused(unused)
      },
    })
    this.#channels.set(channelId, channel)
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
    this.#source.unfollow(channel.channelId)
  }

  #closeIfUnused(channel: LiveChannel): void {
    if (channel.waiting === 0) this.#abandon(channel)
  }

  #beginning(channelId: string, since: Position | undefined, { head, stored }: Heads): Beginning {
    if (since === undefined) return { joined: head, above: head.seq }
    if (since.epoch === head.epoch && since.seq > head.seq && since.seq <= stored) {
      // It has seen, elsewhere, what the feed has not brought here yet.
      return { joined: { ...since, isRecovered: true }, above: since.seq }
    }
    const isReplayable =
      since.epoch === head.epoch &&
      since.seq <= head.seq &&
      head.seq - since.seq <= this.#options.maxResumeEntries
    if (!isReplayable) return { joined: { ...head, isRecovered: false }, above: head.seq }
    const joined = { ...head, isRecovered: true }
    if (since.seq === head.seq) return { joined, above: head.seq }
    const limit = head.seq - since.seq
    return {
      joined,
      above: since.seq,
      missed: { channelId, after: since.seq, upTo: head.seq, limit },
    }
  }

  async #catchUp(
    channel: LiveChannel,
    { channelId, follower, admit, onJoined }: JoinRequest,
    { joined, above, missed }: Beginning,
  ): Promise<void> {
    const catching = channel.beginCatchUp(follower, above)
    try {
      await admit?.()
      const entries = missed === undefined ? [] : await this.#source.entries(missed)
      if (missed !== undefined) await admit?.()
      // The log may answer a prefix: all of what was missed is replayed, or nothing.
      const isWhole = missed === undefined || entries.at(-1)?.seq === missed.upTo
      await channel.catchUp(follower, catching, {
        entries: isWhole ? entries : [],
        onReplayed: () => {
          onJoined(isWhole ? joined : { ...joined, isRecovered: false })
        },
      })
    } catch (error) {
      if (channel.isCatchingUp(follower, catching)) this.leave(channelId, follower)
      throw error
    }
  }
}
