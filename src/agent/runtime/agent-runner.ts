import type { InboxItem } from '../../log/inbox.ts'
import type { ChannelLog } from '../../log/log.ts'
import { newId } from '../../util/new-id.ts'
import type { JoinEvent } from '../message-worker.ts'
import { Delivery } from './delivery.ts'
import type { Delivered, DeliveryOptions } from './delivery.ts'
import { InboxReader } from './inbox-reader.ts'
import { Lanes } from './lanes.ts'
import { Retries } from './retries.ts'
import { Settler } from './settler.ts'
import { AgentTyping } from './typing.ts'
import type { TellTyping } from './typing.ts'

export interface AgentRunnerOptions extends Omit<DeliveryOptions, 'log' | 'typing'> {
  readonly log: Pick<ChannelLog, 'append' | 'inbox' | 'retries' | 'standing'>
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
  #joinCount = 0

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
    if (this.#joinCount >= limits.maxWaitingJoins) {
      worker.logger.warn({ channelId: event.channelId }, 'join dropped: too many wait')
      return
    }
    this.#joinCount += 1
    this.#lanes.add(event.channelId, async () => {
      this.#joinCount -= 1
      await this.#delivery.join(event)
    })
  }

  /** Takes nothing more: what waits, also for another attempt, is left to another process. */
  stop(): void {
    this.#isStopped = true
    this.#delivery.stop()
    this.#opened?.retries.stop()
    this.#lanes.stop()
  }

  /** Tells the handlers that run to stop. */
  abort(): void {
    this.#delivery.abort()
  }

  /** Resolves, after `stop`, when every handler that was called has ended or was left behind. */
  idle(): Promise<void> {
    return this.#lanes.idle()
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
    const { agent, logger } = worker
    try {
      const { place = 0 } = await log.append({
        type: 'open-inbox',
        id: newId(),
        agentId: agent.id,
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
    this.#lanes.add(item.channel.id, async () => {
      const delivered = await this.#delivery.deliver(item, isFresh)
      if (delivered.state === 'stopped' || this.#opened === undefined) return
      await this.#delivery.complete(item)
      const { settler, reader } = this.#opened
      this.#report(item, delivered)
      reader.release(item)
      settler.settle()
    })
  }

  /** A failure that is handed out again stands in line like a message of its channel. */
  #retry(item: InboxItem): Promise<void> {
    return new Promise((resolve) => {
      const isTaken = this.#lanes.add(item.channel.id, async () => {
        const delivered = await this.#delivery.deliver(item, false)
        this.#report(item, delivered)
        if (delivered.state === 'through') this.#opened?.settler.resolve(item.place)
        resolve()
      })
      if (!isTaken) resolve()
    })
  }

  #report({ message, place }: InboxItem, delivered: Delivered): void {
    if (delivered.state !== 'failed') return
    const { attempts, reason } = delivered
    this.#opened?.settler.fail({ messageId: message.id, place, attempts, reason })
  }
}
