import type { Cancellation, TurnRef } from '../../log/agent-work.ts'
import type { InboxItem } from '../../log/inbox.ts'
import type { ChannelLog } from '../../log/log.ts'
import { newId } from '../../util/new-id.ts'
import type { JoinEvent } from '../message-worker.ts'
import { Delivery, turnOf } from './delivery.ts'
import type { Delivered, DeliveryOptions } from './delivery.ts'
import { InboxReader } from './inbox-reader.ts'
import { Lanes } from './lanes.ts'
import { Retries } from './retries.ts'
import { Settler } from './settler.ts'
import { Stop } from './stop.ts'
import { AgentTyping } from './typing.ts'
import type { TellTyping } from './typing.ts'

/** What the agents of a process need of the log. */
export type RunnerLog = DeliveryOptions['log'] &
  Pick<ChannelLog, 'inbox' | 'retries' | 'failures' | 'endTurn'>

export interface AgentRunnerOptions extends Omit<DeliveryOptions, 'log' | 'typing'> {
  readonly log: RunnerLog
  readonly tellTyping: TellTyping
}

/** The parts that need the cursor. */
interface Opened {
  readonly reader: InboxReader
  readonly settler: Settler
  readonly retries: Retries
}

/** Does the work of one agent: its messages, its retried failures, and joins. */
export class AgentRunner {
  readonly #options: AgentRunnerOptions
  readonly #delivery: Delivery
  readonly #lanes: Lanes
  #opened: Opened | undefined
  #opening: Promise<void> | undefined
  #isStopped = false
  /** Joins that wait, by who joined where: whoever joins again and again is told of once, and holds nobody up. */
  readonly #joins = new Map<string, JoinEvent>()
  /** Messages that wait for their channel or are in work, by id: how to tell that nobody wants anything of them. */
  readonly #held = new Map<string, Stop>()

  constructor(options: AgentRunnerOptions) {
    this.#options = options
    const { worker, limits, tellTyping } = options
    const typing = new AgentTyping(worker.agent.id, tellTyping)
    this.#delivery = new Delivery({ ...options, typing })
    this.#lanes = new Lanes({
      maxBusy: limits.maxBusyChannels,
      isHeld: () => this.#opened?.settler.isFull === true,
    })
  }

  /** There may be messages. */
  wake(): void {
    if (this.#isStopped || !this.#options.worker.handlers.includes('message')) return
    if (this.#opened === undefined) this.#opening ??= this.#open()
    else this.#opened.reader.wake()
  }

  /** There may be messages and retries: once a second. */
  poll(): void {
    this.wake()
    this.#opened?.retries.wake()
  }

  /** Somebody joined a channel. Dropped, with a line, where as many wait as may. */
  join(event: JoinEvent): void {
    const { worker, limits } = this.#options
    if (this.#isStopped || !worker.handlers.includes('join')) return
    const { channelId, entityId } = event
    const key = `${channelId} ${entityId}`
    const isWaiting = this.#joins.has(key)
    if (!isWaiting && this.#joins.size >= limits.maxWaitingJoins) {
      worker.logger.warn({ channelId }, 'join dropped: too many wait')
      return
    }
    this.#joins.set(key, event)
    if (isWaiting) return
    this.#lanes.add(channelId, async () => {
      const newest = this.#joins.get(key) ?? event
      this.#joins.delete(key)
      await this.#delivery.join(newest)
    })
  }

  /** Takes nothing more: what waits, also for another attempt, is left to another process. */
  stop(): void {
    this.#isStopped = true
    this.#delivery.stop()
    this.#opened?.retries.stop()
    this.#lanes.stop()
  }

  /** A participant wants the end of a stream, or of what is done about a message. */
  cancel(cancelled: Cancellation): void {
    this.#held.get(cancelled.messageId)?.stop()
    this.#delivery.cancel(cancelled)
  }

  /** Tells the handlers that run to stop. */
  abort(): void {
    this.#delivery.abort()
  }

  /**
   * Resolves, after `stop`, when every handler that was called has ended or was left behind, and so has what they
   * left to `waitUntil`.
   */
  async idle(): Promise<void> {
    await this.#lanes.idle()
    await this.#delivery.idle()
  }

  /** After that: stores how far it came. */
  async close(): Promise<void> {
    await this.#opening
    await this.#opened?.reader.stop()
    await this.#opened?.settler.close()
  }

  /** Never rejects: while the writer is away, it is tried again when there may be messages. */
  async #open(): Promise<void> {
    const { log, worker } = this.#options
    const { agent, logger, isRegistered } = worker
    try {
      const { place = 0 } = await log.append({
        type: 'open-inbox',
        id: newId(),
        agentId: agent.id,
        ...(isRegistered && { isRegistered }),
      })
      if (this.#isStopped) return
      this.#opened = this.#begin(place)
      logger.debug({ place }, 'inbox opened')
      this.#opened.reader.wake()
      this.#opened.retries.wake()
    } catch (error) {
      logger.warn({ err: error }, "the agent's inbox could not be opened")
    } finally {
      this.#opening = undefined
    }
  }

  #begin(cursor: number): Opened {
    const { log, worker, limits } = this.#options
    const { agent, logger } = worker
    const settler = new Settler({
      log,
      agentId: agent.id,
      isRegistered: worker.isRegistered === true,
      cursor,
      upTo: () => reader.settledUpTo,
      limits,
      logger,
      onStored: (failures) => {
        for (const { messageId } of failures) this.#delivery.forget(messageId)
        this.#lanes.resume()
        retries.wake()
      },
    })
    const reader = new InboxReader({
      inbox: log,
      agentId: agent.id,
      after: cursor,
      limits,
      logger,
      onItem: (item) => {
        this.#take(item)
      },
      onProgress: () => {
        settler.pass()
      },
    })
    const retries = new Retries({
      inbox: log,
      agentId: agent.id,
      logger,
      isReady: () => !settler.hasOutcomes,
      handle: (item) => this.#retry(item),
    })
    return { reader, settler, retries }
  }

  #take(item: InboxItem): void {
    const isFresh = !this.#lanes.isBusy(item.channel.id)
    const cancelled = this.#hold(item)
    // What nobody wants is through at once, whatever stands ahead of it.
    const forget = cancelled.onStop(() => {
      this.#delivery.forget(item.message.id)
      this.#done(item, { state: 'through' })
    })
    if (item.isCancelled === true) {
      cancelled.stop()
      return
    }
    this.#lanes.add(item.channel.id, async () => {
      forget()
      if (cancelled.isStopped) return
      const delivered = await this.#delivery.deliver(item, { isFresh, cancelled })
      if (delivered.state !== 'stopped') this.#done(item, delivered)
    })
  }

  #done(item: InboxItem, delivered: Delivered): void {
    if (this.#opened === undefined) return
    this.#through(item)
    const { settler, reader } = this.#opened
    this.#report(item, delivered)
    reader.release(item)
    settler.settle()
  }

  /** A failure that is handed out again stands in line like a message of its channel. */
  async #retry(item: InboxItem): Promise<void> {
    const retry = await this.#nameOfRetry(item)
    const cancelled = this.#hold(item)
    await new Promise<void>((resolve) => {
      const isTaken = this.#lanes.add(item.channel.id, async () => {
        const delivered = await this.#delivery.deliver(item, { isFresh: false, cancelled, retry })
        if (delivered.state !== 'stopped') this.#through(item, { isRetry: true })
        this.#report(item, delivered)
        if (delivered.state === 'through') this.#opened?.settler.resolve(item.place)
        resolve()
      })
      if (!isTaken) resolve()
    })
  }

  /** The same until the failure is settled again, whoever runs it. @throws what the log cannot be read with. */
  async #nameOfRetry({ place }: InboxItem): Promise<string> {
    const { log, worker } = this.#options
    const [failure] = await log.failures(worker.agent.id, { limit: 1, before: place + 1 })
    return failure?.place === place ? String(failure.failedAt) : '0'
  }

  #hold({ message }: InboxItem): Stop {
    const cancelled = new Stop()
    this.#held.set(message.id, cancelled)
    return cancelled
  }

  #through(item: InboxItem, about: Pick<TurnRef, 'isRetry'> = {}): void {
    const { log, worker } = this.#options
    this.#held.delete(item.message.id)
    log.endTurn({ ...turnOf(item, worker.agent.id), ...about })
  }

  #report({ message, place }: InboxItem, delivered: Delivered): void {
    if (delivered.state !== 'failed') return
    const { attempts, reason } = delivered
    this.#opened?.settler.fail({ messageId: message.id, place, attempts, reason })
  }
}
