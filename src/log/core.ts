import { ChannelError, toChannelError } from '../protocol/errors.ts'
import type { ChannelActivity, Ephemeral, JoinNotice } from '../protocol/model.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Cancellation, TurnRef } from './agent-work.ts'
import { CoreAttachment } from './attachment.ts'
import type { Attachment, CoreConsumer, Delivery } from './attachment.ts'
import type { Applied, LogEngine } from './engine.ts'
import { deliveriesOf } from './deliveries.ts'
import { GROUP_COMMIT_LIMITS, GroupCommit } from './group-commit.ts'
import type { GroupCommitLimits } from './group-commit.ts'
import type { Command } from './log.ts'
import { ActiveStreams } from './work/active-streams.ts'
import { AgentTurns } from './work/agent-turns.ts'

/** An engine that erases in the background: one bounded slice per call, true while there is more. */
type Engine = LogEngine & { sweep?(): boolean }

export interface LogCoreOptions {
  readonly engine: Engine
  readonly limits?: Partial<GroupCommitLimits>
  readonly logger?: Logger
  /** Storage failed: the process must end, and whoever waits for an answer submits again elsewhere. */
  readonly onFailure: (error: unknown) => void
  /** There was no room for a batch; it was refused with `STORAGE_FULL`, and the next one is tried. */
  readonly onStorageFull?: (error: ChannelError) => void
}

type Settle = (applied: Applied) => void
interface Item {
  readonly command: Command
  readonly settle: Settle
  /** What was published behind it and ahead of the next one. */
  readonly frames: Ephemeral[]
}

/** Milliseconds between two slices of background erasure. More: erasure takes longer, appends wait less. */
const SWEEP_PAUSE_MS = 20
/** Milliseconds until erasure is tried again where it had no room: it writes before it frees. */
const FULL_SWEEP_PAUSE_MS = 1_000

/** Frames that wait behind a commit, of all channels; those beyond are dropped. */
const MAX_WAITING_FRAMES = 20_000

/**
 * The writer's heart: engine, group commit and publication in one place.
 *
 * Invariant: outside a commit, the head of every channel in the engine equals what was published,
 * so the answer of `follow` is exact. A batch is published before its appends are settled.
 */
export class LogCore {
  readonly engine: Engine
  /** What agents do, for their hosts to tell. */
  readonly streams: ActiveStreams
  readonly turns: AgentTurns
  readonly #options: LogCoreOptions
  readonly #commits: GroupCommit<Item>
  readonly #attachments = new Set<CoreAttachment>()
  /** The newest item: the last to leave those that wait. */
  #newest: Item | undefined
  #waitingFrames = 0
  #sweepTimer: NodeJS.Timeout | undefined
  #hasFailed = false

  constructor(options: LogCoreOptions) {
    this.#options = options
    this.engine = options.engine
    this.#commits = new GroupCommit<Item>({
      limits: { ...GROUP_COMMIT_LIMITS, ...options.limits },
      commit: (items) => this.#commit(items),
      onFailure: (error, items) => this.#fail(error, items),
    })
    const { engine, logger } = options
    const onCancelled = (cancelled: Cancellation): void => this.#cancelled(cancelled)
    const publish = (frame: Ephemeral): void => this.#tell(frame)
    const submit = (command: Command): void => this.#submitOwn(command)
    this.turns = new AgentTurns({ engine, publish, submit, onCancelled })
    this.streams = new ActiveStreams({
      engine,
      logger,
      onCancelled,
      mark: (frame) => this.publish(frame),
      onLoss: publish,
      submit,
    })
  }

  /** Starts delivery to a consumer; it follows nothing yet. A consumer that throws is logged and goes on. */
  attach(consumer: CoreConsumer): Attachment {
    const attachment = new CoreAttachment(this.engine, consumer, (gone) =>
      this.#attachments.delete(gone),
    )
    this.#attachments.add(attachment)
    return attachment
  }

  /**
   * Stores a change. `settle` is called once, after the change is durable and published.
   *
   * @throws OVERLOADED, WRITER_UNAVAILABLE: nothing was taken and `settle` is not called.
   */
  submit(command: Command, sizeBytes: number, settle: Settle): void {
    this.streams.submitting(command, command.type === 'open-stream' ? command.owner : '')
    const item: Item = { command, settle, frames: [] }
    this.#commits.submit(item, sizeBytes)
    this.#newest = item
  }

  /**
   * Delivers a frame to the followers of its channel: after the entries of every `submit` before
   * it, ahead of those after it. Lost when as much waits as may.
   */
  publish(frame: Ephemeral): void {
    if (this.#waitingFrames < MAX_WAITING_FRAMES) {
      this.#tell(frame)
      return
    }
    const { channelId, kind } = frame
    this.#options.logger?.debug({ channelId, kind }, 'frame dropped')
  }

  /** The same for the writer's own frames, which are bounded by what agents do, and never lost here. */
  #tell(frame: Ephemeral): void {
    if (this.#commits.pending === 0 || this.#newest === undefined) {
      this.#deliver([frame])
      this.#endBatch()
    } else {
      this.#waitingFrames += 1
      this.#newest.frames.push(frame)
    }
  }

  /** What agents are doing in a channel, as its followers know it; for one that is back, also what they are through with. */
  activity(channelId: string, isBack = false): ChannelActivity | undefined {
    const [streams, turns] = [this.streams.of(channelId), this.turns.of(channelId)]
    const completed = isBack ? this.turns.completedIn(channelId) : []
    if (streams.length + turns.length + completed.length === 0) return undefined
    return { kind: 'activity', channelId, streams, turns, ...(isBack && { completed }) }
  }

  /** An agent of the process is through with the message, whatever came of it. */
  endTurn(owner: string, turn: TurnRef): void {
    this.streams.through(owner, turn)
    this.turns.end(turn)
  }

  /** Tells the consumers that run agents, whatever they follow. */
  announce(joined: JoinNotice): void {
    for (const { consumer } of this.#attachments) {
      this.#guard(() => consumer.onJoined?.(joined), 'a feed consumer failed')
    }
  }

  /** Starts background erasure of what an earlier life of the process left, and the end of what nobody works at. */
  start(): void {
    this.streams.start()
    this.turns.start()
    this.#sweepSoon()
  }

  /** Commits what waits and takes nothing more. The engine stays open. */
  close(): void {
    this.streams.stop()
    this.turns.stop()
    this.#commits.stop()
    clearTimeout(this.#sweepTimer)
    this.#sweepTimer = undefined
    this.#attachments.clear()
  }

  #commit(items: readonly Item[]): void {
    const commands = items.map(({ command }) => command)
    const results = this.#apply(commands)
    for (const [index, applied] of results.entries()) {
      const command = commands[index]
      if (command !== undefined) this.streams.applied(command, applied)
    }
    for (const { frames } of items) this.#waitingFrames -= frames.length
    this.#deliver(deliveriesOf(items, results))
    this.#settle(items, this.#answered(commands, results))
    this.#endBatch()
    this.#noteTurns(commands, results)
    if (isForAgents(commands, results)) this.#committed()
    if (commands.some(changesAgents)) this.#agentsChanged()
    if (commands.some(erases)) this.#sweepSoon()
  }

  #apply(commands: readonly Command[]): readonly Applied[] {
    try {
      return this.engine.apply(commands)
    } catch (error) {
      if (!isStorageFull(error)) throw error
      this.#options.onStorageFull?.(error)
      return commands.map(() => ({ error }))
    }
  }

  #deliver(deliveries: readonly Delivery[]): void {
    for (const each of deliveries) {
      // Whatever of the stream nobody has yet, in the place of a part of it.
      const isChunk = 'kind' in each && each.kind === 'chunk'
      const delivery = isChunk ? this.streams.take(each.messageId) : each
      if (delivery === undefined) continue
      for (const attachment of this.#attachments) {
        this.#guard(() => attachment.deliver(delivery), 'a feed consumer failed')
      }
    }
  }

  #settle(items: readonly Item[], results: readonly Applied[]): void {
    for (const [index, item] of items.entries()) {
      const result = results[index] ?? { error: new ChannelError('INTERNAL') }
      this.#guard(() => item.settle(result), 'an append could not be answered')
      this.#noteDropped(item.command, result)
    }
  }

  /** Whoever is on a message may be asked to stop, too, which the storage knows nothing of. */
  #answered(commands: readonly Command[], results: readonly Applied[]): readonly Applied[] {
    return results.map((applied, index) => {
      const command = commands[index]
      if (command?.type !== 'cancel-stream' || 'error' in applied) return applied
      const { channelId, messageId } = command
      const { stream } = applied.outcome
      const state = this.#cancel({ channelId, messageId }, applied)
      if (state !== undefined) {
        return { outcome: { stream: { messageId, state, isCancelled: true } }, entries: [] }
      }
      return stream === undefined ? { error: new ChannelError('STREAM_NOT_FOUND') } : applied
    })
  }

  /** Tells whoever may be on it; answers what was not stored as a stream. */
  #cancel(
    cancelled: Cancellation,
    applied: Exclude<Applied, { readonly error: unknown }>,
  ): 'thinking' | 'streaming' | 'waiting' | undefined {
    if (applied.outcome.stream?.state === 'streaming') {
      this.#cancelled(cancelled)
      return undefined
    }
    const state = this.turns.cancel(cancelled)
    if (state !== undefined) return state
    return this.turns.withdraw(cancelled, applied) ? 'waiting' : undefined
  }

  #noteTurns(commands: readonly Command[], results: readonly Applied[]): void {
    for (const [index, applied] of results.entries()) {
      const command = commands[index]
      if (command !== undefined)
        this.#guard(() => this.turns.applied(command, applied), 'turns failed')
    }
  }

  #agentsChanged(): void {
    for (const { consumer } of this.#attachments) {
      this.#guard(() => consumer.onAgentsChanged?.(), 'a feed consumer failed')
    }
  }

  #cancelled(cancelled: Cancellation): void {
    for (const { consumer } of this.#attachments) {
      this.#guard(() => consumer.onCancelled?.(cancelled), 'a feed consumer failed')
    }
  }

  /** A change that nobody waits for. */
  #submitOwn(command: Command): void {
    const settle = (applied: Applied): void => {
      if (!('error' in applied)) return
      const { type } = command
      this.#options.logger?.warn({ err: applied.error, type }, "the writer's own change failed")
    }
    try {
      this.submit(command, JSON.stringify(command).length, settle)
    } catch (error) {
      settle({ error: toChannelError(error) })
    }
  }

  #noteDropped(command: Command, result: Applied): void {
    if (command.type !== 'settle' || 'error' in result) return
    const { failuresDropped } = result.outcome
    if (failuresDropped === undefined) return
    const { agentId } = command
    this.#options.logger?.warn({ agentId, failuresDropped }, 'the oldest failures were dropped')
  }

  #endBatch(): void {
    for (const { consumer } of this.#attachments) {
      this.#guard(() => consumer.onBatchEnd?.(), 'a feed consumer failed')
    }
  }

  #committed(): void {
    let place: number | undefined
    for (const { consumer } of this.#attachments) {
      if (consumer.onCommitted === undefined) continue
      this.#guard(() => {
        place ??= this.engine.newestPlace()
        consumer.onCommitted?.(place)
      }, 'a feed consumer failed')
    }
  }

  /** What others do with a stored batch must not look like a failure of the storage. */
  #guard(action: () => void, message: string): void {
    try {
      action()
    } catch (error) {
      this.#options.logger?.error({ err: error }, message)
    }
  }

  #fail(error: unknown, items: readonly Item[]): void {
    this.#hasFailed = true
    clearTimeout(this.#sweepTimer)
    const unknown = new ChannelError('WRITER_UNAVAILABLE', undefined, { cause: error })
    for (const item of items) {
      this.#guard(() => item.settle({ error: unknown }), 'an append could not be answered')
    }
    this.#options.onFailure(error)
  }

  #sweepSoon(pauseMs = SWEEP_PAUSE_MS): void {
    if (this.engine.sweep === undefined || this.#hasFailed) return
    this.#sweepTimer ??= setTimeout(() => this.#sweep(), pauseMs).unref()
  }

  #sweep(): void {
    this.#sweepTimer = undefined
    try {
      if (this.engine.sweep?.() === true) this.#sweepSoon()
    } catch (error) {
      if (isStorageFull(error)) this.#sweepSoon(FULL_SWEEP_PAUSE_MS)
      else this.#commits.fail(error)
    }
  }
}

function isStorageFull(error: unknown): error is ChannelError {
  return error instanceof ChannelError && error.code === 'STORAGE_FULL'
}

/** Refused or not: whoever is told looks for itself. */
function changesAgents({ type }: Command): boolean {
  return type.endsWith('-agent') && type !== 'add-server-agent' && type !== 'remove-server-agent'
}

function erases(command: Command): boolean {
  return (
    command.type === 'clear' ||
    command.type === 'delete' ||
    command.type === 'delete-channel' ||
    command.type === 'delete-server'
  )
}

/** Whether agents may have something to deal with. */
function isForAgents(commands: readonly Command[], results: readonly Applied[]): boolean {
  return results.some((result, index) => {
    if ('error' in result) return false
    if (commands[index]?.type === 'retry-failure') return true
    return result.entries.some((entry) => entry.kind === 'posted' && entry.hasAgents)
  })
}
