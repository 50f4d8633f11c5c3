import { FrameKind } from '../../ipc/frame-kinds.ts'
import { LINK_LIMITS } from '../../ipc/link.ts'
import type { ReconnectingLink } from '../../ipc/reconnecting-link.ts'
import { ChannelError, toChannelError } from '../../protocol/errors.ts'
import type { Ephemeral, JoinNotice } from '../../protocol/model.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Cancellation, ChunkRef, TurnRef } from '../agent-work.ts'
import type { LogReader } from '../engine.ts'
import type { ChannelLog, Command, FeedConsumer, Outcome } from '../log.ts'
import { LogReads } from '../reads.ts'
import { AppendQueue } from './append-queue.ts'
import type { AppendLimits } from './append-queue.ts'
import { Follows } from './follows.ts'
import { HostWork } from './host-work.ts'
import type { Answer, EntriesPayload, FollowedPayload, ReadyPayload } from './wire.ts'

export interface RemoteLogOptions {
  /** The link to the writer, not started yet; its owner starts and closes it. */
  readonly link: ReconnectingLink
  /** Committed state; it shows at least what was published. Closed with the log. */
  readonly reader: LogReader
  readonly consumer: FeedConsumer
  readonly limits?: Partial<AppendLimits>
  readonly logger?: Logger
  /**
   * The writer serves another life of the database than this process has read, after a restored
   * backup. Everything pending was rejected; the process must end and start anew.
   */
  readonly onDiverged: (reason: string) => void
}

const DEFAULT_LIMITS: AppendLimits = {
  maxPending: 20_000,
  maxPendingBytes: 64_000_000,
  appendTimeoutMs: 20_000,
  maxFrameBytes: LINK_LIMITS.maxFrameBytes,
}

const WORK_COMMANDS: ReadonlySet<Command['type']> = new Set<Command['type']>([
  'open-stream',
  'end-stream',
  'settle',
])

/** Opens the log of a process that is not the writer. Usable at once: calls wait for the link. */
export function openRemoteLog(options: RemoteLogOptions): RemoteLog {
  return new RemoteLog(options)
}

/**
 * The log over a link to the writer: changes and the feed travel, reads are local.
 *
 * Whatever happens to link or writer, appends keep their order and their effect, and followers get
 * every entry once, in order, with no hole. `follow` resolves in a microtask: entries that travelled
 * right behind its answer may reach the consumer before the caller goes on.
 */
export class RemoteLog extends LogReads implements ChannelLog {
  readonly #options: RemoteLogOptions
  readonly #appends: AppendQueue
  readonly #follows: Follows
  readonly #work: HostWork
  readonly #listeners: ((isConnected: boolean) => void)[] = []
  #isConnected = false
  #isClosed = false

  constructor(options: RemoteLogOptions) {
    super(options.reader)
    this.#options = options
    const { link, reader, consumer, logger } = options
    const limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#follows = new Follows({
      reader,
      consumer,
      logger,
      link,
      maxPending: limits.maxPending,
      timeoutMs: limits.appendTimeoutMs,
      onDiverged: (reason) => this.#diverge(reason),
    })
    this.#appends = new AppendQueue({
      limits,
      link,
      whenDelivered: (command, outcome, release) => {
        const channelId = channelOf(command, outcome)
        if (channelId === undefined || outcome.seq === undefined) release()
        else this.#follows.whenDelivered(channelId, outcome.seq, release)
      },
    })
    this.#work = new HostWork(link)
    this.#register(link)
  }

  /** True while the writer answers. */
  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Calls with every change of `isConnected`. */
  onStateChange(listener: (isConnected: boolean) => void): void {
    this.#listeners.push(listener)
  }

  async append(command: Command): Promise<Outcome> {
    const isWork = WORK_COMMANDS.has(command.type)
    if (!isWork) return this.#appends.append(command)
    try {
      const outcome = await this.#appends.append(command)
      this.#work.answered(command, outcome)
      return outcome
    } catch (error) {
      // One that may be tried again goes on, and is claimed over a new link.
      if (!toChannelError(error).retryable) this.#work.refused(command)
      throw error
    }
  }

  publish(frame: Ephemeral): void {
    this.#appends.publish(frame)
  }

  announce(joined: JoinNotice): void {
    if (this.#isConnected) {
      this.#options.link.send(FrameKind.LOG_ANNOUNCE, JSON.stringify(joined))
    }
  }

  runAgents(agentIds: readonly string[]): void {
    this.#work.runAgents(agentIds)
  }

  beginTurn(turn: TurnRef): void {
    this.#work.beginTurn(turn)
  }

  endTurn(turn: TurnRef): void {
    this.#work.endTurn(turn)
  }

  writeStream(chunk: ChunkRef): void {
    this.#work.writeStream(chunk)
  }

  follow(channelId: string): Promise<number> {
    if (this.#isClosed) return Promise.reject(new ChannelError('WRITER_UNAVAILABLE'))
    return this.#follows.follow(channelId)
  }

  unfollow(channelId: string): void {
    this.#follows.unfollow(channelId)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#stop()
    this.reader.close()
  }

  #register(link: ReconnectingLink): void {
    // The frames of links come from our own `LogServer` of the same protocol version.
    link.handle(FrameKind.LOG_READY, (payload) => {
      const ready: ReadyPayload = JSON.parse(payload.toString())
      this.#ready(ready)
    })
    link.handle(FrameKind.LOG_ANSWERS, (payload) => {
      const answers: readonly Answer[] = JSON.parse(payload.toString())
      this.#appends.take(answers)
    })
    link.handle(FrameKind.LOG_FOLLOWED, (payload) => {
      const answers: FollowedPayload = JSON.parse(payload.toString())
      this.#follows.takeFollowed(answers)
    })
    link.handle(FrameKind.LOG_ENTRIES, (payload) => {
      const published: EntriesPayload = JSON.parse(payload.toString())
      this.#follows.takeEntries(published)
    })
    link.handle(FrameKind.LOG_EPHEMERAL, (payload) => {
      const frame: Ephemeral = JSON.parse(payload.toString())
      this.#follows.takeFrame(frame)
    })
    link.handle(FrameKind.LOG_COMMITTED, (payload) => {
      this.#tell((consumer) => consumer.onCommitted?.(Number(payload.toString())))
    })
    link.handle(FrameKind.LOG_JOINED, (payload) => {
      const joined: JoinNotice = JSON.parse(payload.toString())
      this.#tell((consumer) => consumer.onJoined?.(joined))
    })
    link.handle(FrameKind.LOG_AGENTS, () => {
      this.#tell((consumer) => consumer.onAgentsChanged?.())
    })
    link.handle(FrameKind.WORK_CANCELLED, (payload) => {
      const cancelled: Cancellation = JSON.parse(payload.toString())
      this.#tell((consumer) => consumer.onCancelled?.(cancelled))
    })
    link.onDrain(() => {
      this.#appends.pump()
      this.#work.pump()
    })
    link.onClose(() => {
      this.#appends.suspend()
      this.#work.suspend()
      this.#follows.suspend()
      this.#setConnected(false)
    })
  }

  #ready({ epoch }: ReadyPayload): void {
    if (this.#isClosed) return
    if (epoch !== this.epoch) {
      this.#diverge(`the epoch is ${epoch}, this process has read ${this.epoch}`)
      return
    }
    // Interests first: what the repeated appends bring is then part of the feed.
    this.#follows.open()
    const { link, consumer } = this.#options
    if (consumer.onCommitted !== undefined) link.send(FrameKind.LOG_WATCH, '')
    // Behind the watch, since it may be answered by what is to end; ahead of the ends of what it claims.
    this.#work.open(() => this.#appends.open())
    this.#setConnected(true)
  }

  /** A consumer's fault must not look like a broken link. */
  #tell(act: (consumer: FeedConsumer) => void): void {
    try {
      if (!this.#isClosed) act(this.#options.consumer)
    } catch (error) {
      this.#options.logger?.error({ err: error }, 'the feed consumer failed')
    }
  }

  #diverge(reason: string): void {
    if (this.#isClosed) return
    this.#options.logger?.fatal({ reason }, 'the log is not the one that this process knows')
    this.#stop()
    this.#options.onDiverged(reason)
  }

  #stop(): void {
    this.#isClosed = true
    this.#follows.close()
    this.#appends.close(new ChannelError('WRITER_UNAVAILABLE'))
    this.#setConnected(false)
  }

  #setConnected(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return
    this.#isConnected = isConnected
    for (const listener of this.#listeners) listener(isConnected)
  }
}

function channelOf(command: Command, outcome: Outcome): string | undefined {
  if (command.type === 'post') return command.message.channelId
  if ('channelId' in command) return command.channelId
  return outcome.message?.channelId ?? outcome.channel?.id
}
