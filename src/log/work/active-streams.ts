import type { ActiveStream, Entry, StreamChunk, StreamLoss } from '../../protocol/model.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Cancellation, ChunkRef, StreamClaim, TurnRef } from '../agent-work.ts'
import type { Command } from '../commands.ts'
import type { Applied, LogEngine } from '../engine.ts'
import { AwakeClock } from './awake-clock.ts'
import { LiveStream } from './live-stream.ts'
import { LiveStreams } from './live-streams.ts'
import { LostStreams } from './lost-streams.ts'
import { Owners } from './owners.ts'
import { StreamCheckpoints } from './stream-checkpoints.ts'
import { LOOK_INTERVAL_MS, STREAM_LIMITS } from './stream-limits.ts'

type CommandOf<Type extends Command['type']> = Extract<Command, { readonly type: Type }>
type OpenStream = CommandOf<'open-stream'>

export interface ActiveStreamsOptions {
  readonly engine: Pick<LogEngine, 'activeStreams'>
  /** Stores a change of the writer's own, in order with all others. What is lost is submitted again. */
  readonly submit: (command: Command) => void
  /** Puts a chunk's place into the order of commits: `take` is asked for its text when that is reached. */
  readonly mark: (chunk: StreamChunk) => void
  /** Tells followers of a stream that they may have been shown and that left nothing. */
  readonly onLoss: (loss: StreamLoss) => void
  /** Tells whoever runs agents. */
  readonly onCancelled: (cancelled: Cancellation) => void
  readonly logger?: Logger | undefined
  /** Elapsed milliseconds. */
  readonly now?: () => number
}

/**
 * The writer's memory of the streams that go on: the text that was given to their channels' followers and the
 * one that waits for its place, and which process is at each of them.
 *
 * A stream whose process lost its link and does not come back, or does and does not claim it, is ended here as
 * `interrupted`, with the text that there is. Time in which this process stood still counts for nobody: what
 * others said meanwhile has not been heard yet.
 */
export class ActiveStreams {
  readonly #options: ActiveStreamsOptions
  readonly #clock: AwakeClock
  readonly #streams = new LiveStreams()
  readonly #owners = new Owners()
  readonly #checkpoints = new StreamCheckpoints()
  readonly #lost: LostStreams
  #timer: NodeJS.Timeout | undefined
  #claimsDueMs: number | undefined
  #marksDueMs = 0

  constructor(options: ActiveStreamsOptions) {
    this.#options = options
    this.#lost = new LostStreams(options.submit)
    this.#clock = new AwakeClock(options.now ?? (() => performance.now()))
  }

  /** Takes over what is stored, and begins to end what nobody claims and to store checkpoints. */
  start(): void {
    if (this.#timer !== undefined) return
    for (const { name, ...stored } of this.#options.engine.activeStreams()) {
      if (this.#streams.get(stored.messageId) !== undefined) continue
      this.#streams.add(new LiveStream({ ...stored, names: [name], isClaimed: false }))
    }
    this.#clock.start()
    this.#claimsDueMs = this.#clock.ms + STREAM_LIMITS.startGraceMs + LOOK_INTERVAL_MS
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /**
   * A command is about to be queued, from this process: where it takes the name of a stream that another process
   * left open, that one's end goes ahead of it. So does that of its author's own stream ahead of a message.
   */
  submitting(command: Command, owner: string): void {
    if (this.#streams.size === 0) return
    if (command.type !== 'open-stream' && command.type !== 'post') return
    const { channelId, authorId } = command.message
    // Whoever speaks for another may be refused, and ends nothing.
    if (command.visibleTo !== undefined && command.visibleTo !== authorId) return
    const wanted = namesOf(command)
    for (const stream of this.#streams.in(channelId)) {
      const isOwn = command.type === 'open-stream' && stream.owner === owner
      if (isOwn || stream.agentId !== authorId || stream.endingSinceMs !== undefined) continue
      if (isNamed(stream, wanted)) this.#lost.end(stream, this.#clock.ms)
    }
  }

  /** A command was applied, or refused; called in the order of commits, ahead of the delivery of its entries. */
  applied(command: Command, applied: Applied): void {
    if ('error' in applied) {
      if (command.type === 'end-stream' && isGone(applied.error.code)) {
        this.#forget(this.#streams.get(command.messageId))
      }
      return
    }
    if (this.#streams.size > 0) this.#noteEnds(command, applied)
    if (command.type === 'open-stream' && applied.outcome.stream?.state === 'streaming') {
      this.#opened(command, applied.outcome.stream.messageId)
    }
  }

  /** More text of a stream. What is late, or of another's stream, is dropped; what has a gap before it, too. */
  write(owner: string, { messageId, ...chunk }: ChunkRef): void {
    const stream = this.#streams.get(messageId)
    if (stream?.owner !== owner || stream.endingSinceMs !== undefined) return
    this.#append(stream, chunk)
  }

  /** A process says over a new link that it is at a stream, and all that it wrote; false where it is not. */
  claim(owner: string, { messageId, index, text }: StreamClaim): boolean {
    const stream = this.#streams.get(messageId)
    if (stream?.owner !== owner || stream.endingSinceMs !== undefined) return false
    this.#claimed(stream)
    this.#append(stream, { index: Math.max(index - 1, 0), offset: 0, chunk: text })
    const { channelId, isCancelled } = stream
    if (isCancelled) this.#options.onCancelled({ channelId, messageId })
    return true
  }

  /** A process says that an agent is through with a message: what another one left of its answer ends ahead of that. */
  through(owner: string, { agentId, channelId, messageId }: TurnRef): void {
    for (const stream of this.#streams.in(channelId)) {
      const isLeft = stream.owner !== owner && stream.endingSinceMs === undefined
      if (!isLeft || stream.agentId !== agentId || stream.answers !== messageId) continue
      this.#lost.end(stream, this.#clock.ms)
    }
  }

  /** A link to the process was closed. */
  ownerGone(owner: string): void {
    if (this.#owners.gone(owner, this.#clock.ms)) this.#disown(owner)
  }

  /** The process has a new link, over which it is to claim what is its own. */
  ownerBack(owner: string): void {
    this.#owners.back(owner, this.#clock.ms)
    this.#disown(owner)
  }

  /** The text of a stream that nobody was given yet, undefined where there is none or it has ended. */
  take(messageId: string): StreamChunk | undefined {
    const stream = this.#streams.get(messageId)
    if (stream === undefined) return undefined
    stream.markedSinceMs = undefined
    return stream.take()
  }

  /** What a channel's followers have been given. */
  of(channelId: string): readonly ActiveStream[] {
    return this.#streams.in(channelId).map((stream) => stream.shown())
  }

  #noteEnds(command: Command, { entries }: Exclude<Applied, { readonly error: unknown }>): void {
    for (const entry of entries) {
      if (entry.kind === 'posted') this.#forget(this.#streams.get(entry.message?.id ?? ''))
      else if (entry.kind !== 'edited') this.#stopThoseOut(entry)
    }
    if (command.type === 'end-stream') this.#forgetLost(this.#streams.get(command.messageId))
    if (command.type === 'cancel-stream') {
      const stream = this.#streams.get(command.messageId)
      if (stream?.channelId === command.channelId) stream.isCancelled = true
    }
  }

  /** Whoever writes into a channel that is gone, or that its agent is out of, is to stop. */
  #stopThoseOut(entry: Entry): void {
    const { channelId, kind } = entry
    for (const stream of this.#streams.in(channelId)) {
      if (!isOutOf(stream, entry)) continue
      this.#options.onCancelled({ channelId, messageId: stream.messageId })
      if (kind === 'removed') this.#forget(stream)
    }
  }

  #opened(command: OpenStream, messageId: string): void {
    const { message, owner, answers } = command
    const known = this.#streams.get(messageId)
    if (known !== undefined) {
      // Whoever submits it again has lost the answer, and is at it.
      if (known.owner === owner) this.#claimed(known)
      return
    }
    const { channelId, authorId: agentId, body } = message
    const names = namesOf(command)
    for (const other of this.#streams.in(channelId)) {
      if (other.agentId === agentId && isNamed(other, names)) this.#forgetLost(other)
    }
    const state = { text: '', isCancelled: false, isClaimed: true }
    const draft = { messageId, channelId, agentId, owner, answers, names, body, ...state }
    this.#streams.add(new LiveStream(draft))
  }

  #claimed(stream: LiveStream): void {
    stream.isClaimed = true
    this.#lost.found(stream)
  }

  #append(stream: LiveStream, chunk: Omit<ChunkRef, 'messageId'>): void {
    if (!this.#streams.append(stream, chunk)) return
    this.#checkpoints.changed(stream)
    this.#mark(stream)
  }

  /** One place at a time: whatever comes before it is reached goes along. */
  #mark(stream: LiveStream): void {
    if (stream.markedSinceMs !== undefined) return
    stream.markedSinceMs = this.#clock.ms
    this.#options.mark(stream.frame(''))
  }

  #disown(owner: string): void {
    for (const stream of this.#streams.all()) if (stream.owner === owner) stream.isClaimed = false
  }

  /** It has ended, and became no message: what an earlier writer had told of it is nowhere any more. */
  #forgetLost(stream: LiveStream | undefined): void {
    if (stream === undefined) return
    this.#forget(stream)
    const { channelId, messageId, agentId } = stream
    this.#options.onLoss({ kind: 'loss', channelId, messageId, agentId, text: '' })
  }

  #forget(stream: LiveStream | undefined): void {
    if (stream === undefined) return
    this.#streams.remove(stream)
    this.#checkpoints.forget(stream)
    this.#lost.forget(stream)
  }

  #look(): void {
    this.#clock.look()
    const late = new Set(this.#owners.late(this.#clock.ms))
    this.#lose(({ owner }) => late.has(owner))
    if (this.#claimsDueMs !== undefined && this.#clock.ms >= this.#claimsDueMs) {
      this.#claimsDueMs = undefined
      this.#lose(({ owner }) => !this.#owners.isExpected(owner))
    }
    this.#lost.endSome(this.#clock.ms)
    this.#markAgain()
    const checkpoint = this.#checkpoints.next(this.#clock.ms)
    if (checkpoint !== undefined) this.#options.submit(checkpoint)
  }

  /** Those that nobody claimed are to be ended. */
  #lose(isMeant: (stream: LiveStream) => boolean): void {
    const lost = this.#streams.all().filter((stream) => !stream.isClaimed && isMeant(stream))
    if (lost.length === 0) return
    for (const stream of lost) this.#lost.add(stream)
    this.#options.logger?.warn({ streams: lost.length }, 'streams were interrupted')
  }

  /** A place may be lost where too much waits. */
  #markAgain(): void {
    if (this.#clock.ms < this.#marksDueMs) return
    this.#marksDueMs = this.#clock.ms + STREAM_LIMITS.retryMs
    for (const stream of this.#streams.all()) {
      const { isWaiting, markedSinceMs = Number.POSITIVE_INFINITY } = stream
      if (!isWaiting || this.#clock.ms - markedSinceMs < STREAM_LIMITS.retryMs) continue
      stream.markedSinceMs = undefined
      this.#mark(stream)
    }
  }
}

/** Whether its channel is gone, or its agent from the channel. */
function isOutOf({ agentId }: LiveStream, entry: Entry): boolean {
  if (entry.kind === 'removed') return true
  const isMove = entry.kind === 'participants' || entry.kind === 'updated'
  return isMove && entry.removed.includes(agentId)
}

/** The client ids, one of which its message gets. */
function namesOf(command: OpenStream | CommandOf<'post'>): readonly string[] {
  const again = command.type === 'open-stream' ? command.again : undefined
  return [command.message.clientMessageId, again].filter((name) => name !== undefined)
}

function isNamed({ names }: LiveStream, wanted: readonly string[]): boolean {
  return names.some((name) => wanted.includes(name))
}

/** Whether there is nothing to be ended any more. */
function isGone(code: string): boolean {
  return code === 'STREAM_NOT_FOUND' || code === 'CHANNEL_NOT_FOUND'
}
