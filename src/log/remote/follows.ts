import { FrameKind } from '../../ipc/frame-kinds.ts'
import { ChannelError } from '../../protocol/errors.ts'
import type { ChannelActivity, Entry, Ephemeral } from '../../protocol/model.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { LogReader } from '../engine.ts'
import type { FeedConsumer } from '../log.ts'
import { FollowedChannel } from './followed-channel.ts'
import { GapFiller } from './gap-filler.ts'
import type { EntriesPayload, FollowedPayload, FollowPayload } from './wire.ts'

interface FollowsOptions {
  readonly reader: Pick<LogReader, 'entries'>
  readonly consumer: FeedConsumer
  readonly logger: Logger | undefined
  readonly link: { send(kind: number, payload: string): void }
  /** Most follows without an answer; past it `follow` rejects with `OVERLOADED`. */
  readonly maxPending: number
  /** Longest wait for the answer, in ms; past it the follow is taken back: `WRITER_UNAVAILABLE`. */
  readonly timeoutMs: number
  /** The log is behind what this process delivered: it is not the same log any more. */
  readonly onDiverged: (reason: string) => void
}

/** Channels of one frame when all interests register again. */
const CHANNELS_PER_FRAME = 1_000

interface Asking {
  readonly resolve: (position: number) => void
  readonly reject: (error: ChannelError) => void
  readonly timer: NodeJS.Timeout
}

/** What this process follows, over any number of links to the writer. */
export class Follows {
  readonly #options: FollowsOptions
  readonly #channels = new Map<string, FollowedChannel>()
  readonly #byRef = new Map<number, FollowedChannel>()
  readonly #asking = new Map<FollowedChannel, Asking>()
  readonly #filler: GapFiller
  #nextRef = 1
  #isReady = false

  constructor(options: FollowsOptions) {
    this.#options = options
    this.#filler = new GapFiller(options)
  }

  follow(channelId: string): Promise<number> {
    const { maxPending, timeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      if (this.#channels.has(channelId)) {
        reject(new Error('the channel is followed already'))
      } else if (this.#asking.size >= maxPending) {
        reject(new ChannelError('OVERLOADED'))
      } else {
        const channel = this.#create(channelId)
        const timer = setTimeout(() => this.#remove(channel), timeoutMs)
        this.#channels.set(channelId, channel)
        this.#asking.set(channel, { resolve, reject, timer })
        if (this.#isReady) this.#ask([channel])
      }
    })
  }

  unfollow(channelId: string): void {
    const channel = this.#channels.get(channelId)
    if (channel !== undefined) this.#remove(channel)
  }

  /** The writer can be spoken to: registers every interest, each to catch up from where it is. */
  open(): void {
    this.#isReady = true
    const channels = [...this.#channels.values()]
    for (let start = 0; start < channels.length; start += CHANNELS_PER_FRAME) {
      this.#ask(channels.slice(start, start + CHANNELS_PER_FRAME))
    }
  }

  suspend(): void {
    this.#isReady = false
    this.#byRef.clear()
  }

  takeFollowed(answers: FollowedPayload): void {
    for (const [ref, position, activity] of answers) {
      const channel = this.#byRef.get(ref)
      // Absent: unfollowed in the meantime.
      if (channel !== undefined) this.#confirm(channel, position, activity)
    }
  }

  takeEntries([channelId, entries, upTo]: EntriesPayload): void {
    const channel = this.#channels.get(channelId)
    if (channel?.isConfirmed !== true) return
    channel.receive(entries, upTo)
    if (channel.hasGap) this.#filler.add(channel)
  }

  takeFrame(frame: Ephemeral): void {
    const channel = this.#channels.get(frame.channelId)
    if (channel?.isConfirmed === true) channel.receiveFrame(frame)
  }

  /** Runs `release` once the entry was delivered, at once where nobody waits for it. */
  whenDelivered(channelId: string, seq: number, release: () => void): void {
    const channel = this.#channels.get(channelId)
    if (channel === undefined) release()
    else channel.whenDelivered(seq, release)
  }

  close(): void {
    this.#isReady = false
    this.#filler.close()
    for (const channel of this.#channels.values()) this.#remove(channel)
  }

  #create(channelId: string): FollowedChannel {
    const channel = new FollowedChannel(channelId, this.#guarded, () => {
      const { logger } = this.#options
      logger?.warn(
        { channelId },
        'too much was done while entries were missed: asking what is done',
      )
      // Over a new link it is asked in any case.
      if (this.#isReady && !this.#byRef.has(channel.ref)) this.#ask([channel])
    })
    return channel
  }

  #ask(channels: readonly FollowedChannel[]): void {
    const asked: FollowPayload = channels.map((channel) => {
      channel.ref = this.#nextRef
      this.#nextRef += 1
      this.#byRef.set(channel.ref, channel)
      const follow = [channel.ref, channel.channelId] as const
      return this.#asking.has(channel) ? follow : [...follow, 1]
    })
    this.#options.link.send(FrameKind.LOG_FOLLOW, JSON.stringify(asked))
  }

  #confirm(
    channel: FollowedChannel,
    position: number,
    activity: ChannelActivity | undefined,
  ): void {
    this.#byRef.delete(channel.ref)
    const delivered = Math.max(channel.position ?? 0, channel.target)
    if (position < delivered) {
      const { channelId } = channel
      this.#options.onDiverged(`channel ${channelId} ends at ${position}, delivered ${delivered}`)
      return
    }
    channel.confirm(position)
    const asking = this.#asking.get(channel)
    // Over a new link what is not said has ended.
    const { channelId } = channel
    const nothing = { kind: 'activity', channelId, streams: [], turns: [] } as const
    const isAgain = asking === undefined
    if (activity !== undefined || isAgain) channel.receiveFrame(activity ?? nothing)
    if (asking !== undefined) {
      this.#asking.delete(channel)
      clearTimeout(asking.timer)
      asking.resolve(position)
    }
    if (channel.hasGap) this.#filler.add(channel)
  }

  #remove(channel: FollowedChannel): void {
    this.#channels.delete(channel.channelId)
    this.#byRef.delete(channel.ref)
    this.#filler.remove(channel)
    channel.end()
    if (this.#isReady) this.#options.link.send(FrameKind.LOG_UNFOLLOW, channel.channelId)
    const asking = this.#asking.get(channel)
    if (asking === undefined) return
    this.#asking.delete(channel)
    clearTimeout(asking.timer)
    asking.reject(new ChannelError('WRITER_UNAVAILABLE'))
  }

  /** The consumer, whose faults must look neither like a broken link nor like a failed read. */
  readonly #guarded: FeedConsumer = {
    onEntries: (channelId: string, entries: readonly Entry[]) =>
      this.#guard(() => this.#options.consumer.onEntries(channelId, entries)),
    onEphemeral: (frame: Ephemeral) => this.#guard(() => this.#options.consumer.onEphemeral(frame)),
  }

  #guard(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#options.logger?.error({ err: error }, 'the feed consumer failed')
    }
  }
}
