import type { ChannelLog, FeedConsumer } from '../log/log.ts'
import type { Entry, Ephemeral, Position } from '../protocol/model.ts'
import type { Logger } from '../telemetry/logger.ts'

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
  onEphemeral(frame: Ephemeral): void
  /** The follower's replay failed or its backlog reached its bound; it is not a follower any more. */
  onInterrupted(): void
}

/** The answer to a join: delivery goes on after `seq`. */
export interface Joined extends Position {
  /** Present where the joiner said since when: whether everything it missed was replayed. */
  readonly isRecovered?: boolean
}

export interface JoinRequest {
  readonly channelId: string
  readonly follower: Follower
  readonly since?: Position
  /** Called once, after what was missed and before anything newer. */
  readonly onJoined: (joined: Joined) => void
}

export interface LiveLimits {
  /**
   * Most entries replayed to one join; a larger gap, or one of more bytes than the log gives in one
   * read, answers `isRecovered: false`.
   */
  readonly maxResumeEntries: number
  /** Most entries that wait for a follower whose replay is being read; past it the follower is interrupted. */
  readonly maxBacklogEntries: number
}

/** What arrived for a follower whose replay is still being read. */
interface Catching {
  readonly backlog: LiveBatch[]
  backlogEntries: number
}

interface LiveChannel {
  /** Everything up to here was handed to the followers. Undefined until the log answered. */
  position: number | undefined
  readonly opening: Promise<number>
  readonly followers: Map<Follower, Catching | undefined>
  /** Joins that wait for `opening`; the channel stays open for them. */
  waiting: number
}

/**
 * Hands the log's feed to the followers of each channel in this process.
 *
 * A follower that joins with `since` first gets what it missed, up to the feed's position P at that
 * moment, then the answer, then everything after P: no gap, no duplicate. Reads may be ahead of the
 * feed, which is why P bounds the replay. Joining again starts that follower anew.
 */
export class LiveChannels implements FeedConsumer {
  readonly #channels = new Map<string, LiveChannel>()
  readonly #limits: LiveLimits
  readonly #logger: Logger
  #log: ChannelLog | undefined

  constructor(limits: LiveLimits, logger: Logger) {
    this.#limits = limits
    this.#logger = logger
  }

  /** Connects the log that feeds this; once, before the first join. */
  attach(log: ChannelLog): void {
    this.#log = log
  }

  get #source(): ChannelLog {
    if (this.#log === undefined) throw new Error('LiveChannels is used before its log is attached')
    return this.#log
  }

  /** @throws WRITER_UNAVAILABLE when the log does not answer; the follower is then not joined. */
  async join(request: JoinRequest): Promise<void> {
    const { channelId, follower, since, onJoined } = request
    const channel = this.#channels.get(channelId) ?? this.#open(channelId)
    channel.followers.delete(follower)
    channel.waiting += 1
    let opened: number
    try {
      opened = await channel.opening
    } catch (error) {
      this.#abandon(channelId, channel)
      throw error
    } finally {
      channel.waiting -= 1
    }
    // Entries may have come between the log's answer and this continuation.
    channel.position ??= opened
    const head: Position = { epoch: this.#source.epoch, seq: channel.position }
    const isReplayable = since !== undefined && this.#isReplayable(since, head)
    if (since === undefined || !isReplayable || since.seq === head.seq) {
      channel.followers.set(follower, undefined)
      onJoined(since === undefined ? head : { ...head, isRecovered: isReplayable })
      return
    }
    await this.#replay(channel, request, { since, head })
  }

  /** Ends delivery to the follower at once. */
  leave(channelId: string, follower: Follower): void {
    const channel = this.#channels.get(channelId)
    if (channel === undefined) return
    channel.followers.delete(follower)
    this.#closeIfUnused(channelId, channel)
  }

  /** True when the follower is still to be handed the entry with this number. */
  willDeliver(channelId: string, follower: Follower, seq: number): boolean {
    const channel = this.#channels.get(channelId)
    if (channel?.position === undefined || !channel.followers.has(follower)) return false
    return channel.followers.get(follower) !== undefined || channel.position < seq
  }

  onEntries(channelId: string, entries: readonly Entry[]): void {
    const channel = this.#channels.get(channelId)
    const last = entries.at(-1)
    if (channel === undefined || last === undefined) return
    channel.position = last.seq
    const batch: LiveBatch = { channelId, entries, isReplay: false }
    for (const [follower, catching] of channel.followers) {
      if (catching === undefined) follower.onEntries(batch)
      else this.#postpone(channel, follower, batch)
    }
  }

  onEphemeral(frame: Ephemeral): void {
    const channel = this.#channels.get(frame.channelId)
    if (channel === undefined) return
    for (const [follower, catching] of channel.followers) {
      if (catching === undefined) follower.onEphemeral(frame)
    }
  }

  #open(channelId: string): LiveChannel {
    const channel: LiveChannel = {
      position: undefined,
      opening: this.#source.follow(channelId),
      followers: new Map(),
      waiting: 0,
    }
    this.#channels.set(channelId, channel)
    return channel
  }

  /** Nobody joined a channel whose opening failed: the next join opens it afresh. */
  #abandon(channelId: string, channel: LiveChannel): void {
    if (this.#channels.get(channelId) !== channel) return
    this.#channels.delete(channelId)
    this.#source.unfollow(channelId)
  }

  #closeIfUnused(channelId: string, channel: LiveChannel): void {
    if (channel.followers.size > 0 || channel.waiting > 0) return
    this.#channels.delete(channelId)
    this.#source.unfollow(channelId)
  }

  #isReplayable(since: Position, head: Position): boolean {
    return (
      since.epoch === head.epoch &&
      since.seq <= head.seq &&
      head.seq - since.seq <= this.#limits.maxResumeEntries
    )
  }

  async #replay(
    channel: LiveChannel,
    request: JoinRequest,
    span: { readonly since: Position; readonly head: Position },
  ): Promise<void> {
    const { channelId, follower } = request
    const { since, head } = span
    const catching: Catching = { backlog: [], backlogEntries: 0 }
    channel.followers.set(follower, catching)
    const isStillJoining = (): boolean => channel.followers.get(follower) === catching
    let isRecovered = false
    try {
      const entries = await this.#source.entries({
        channelId,
        after: since.seq,
        upTo: head.seq,
        limit: head.seq - since.seq,
      })
      if (!isStillJoining()) return
      // The log may answer a prefix: all of what was missed is replayed, or nothing.
      isRecovered = entries.at(-1)?.seq === head.seq
      if (isRecovered) follower.onEntries({ channelId, entries, isReplay: true })
    } catch (error) {
      if (isStillJoining()) this.leave(channelId, follower)
      throw error
    }
    request.onJoined({ ...head, isRecovered })
    // Synchronous from here on: nothing can arrive between the backlog's last batch and going live.
    for (const batch of catching.backlog) follower.onEntries(batch)
    if (isStillJoining()) channel.followers.set(follower, undefined)
  }

  #postpone(channel: LiveChannel, follower: Follower, batch: LiveBatch): void {
    const catching = channel.followers.get(follower)
    if (catching === undefined) return
    catching.backlog.push(batch)
    catching.backlogEntries += batch.entries.length
    if (catching.backlogEntries <= this.#limits.maxBacklogEntries) return
    this.#logger.warn({ channelId: batch.channelId }, 'replay too slow for its channel')
    this.leave(batch.channelId, follower)
    follower.onInterrupted()
  }
}
