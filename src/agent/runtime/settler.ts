import type { FailureReport } from '../../log/inbox.ts'
import type { ChannelLog } from '../../log/log.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { newId } from '../../util/new-id.ts'
import type { RuntimeLimits } from './limits.ts'

/** How long to wait before what could not be stored is tried again. */
const RETRY_MS = 1_000

export interface SettlerOptions {
  readonly log: Pick<ChannelLog, 'append'>
  readonly agentId: string
  /** See `AgentWorker`. */
  readonly isRegistered: boolean
  /** The cursor as it is stored. */
  readonly cursor: number
  /** The place up to which everything is through. */
  readonly upTo: () => number
  readonly limits: Pick<
    RuntimeLimits,
    'settleIntervalMs' | 'idleSettleIntervalMs' | 'maxWaitingFailures'
  >
  readonly logger: Logger
  /** These failures, and what else waited, are stored. */
  readonly onStored: (failures: readonly FailureReport[]) => void
}

/**
 * Stores how far an agent is: its cursor, and with it, in one command, the messages that it gave up.
 *
 * What cannot be stored is tried again until it is. Nothing is lost when that never comes: the cursor stays
 * where it is, and what lies behind it is done again.
 */
export class Settler {
  readonly #options: SettlerOptions
  #cursor: number
  #failures: FailureReport[] = []
  #resolved: number[] = []
  #timer: NodeJS.Timeout | undefined
  #dueMs = 0
  #storing: Promise<void> | undefined
  #isFailing = false
  #isClosed = false

  constructor(options: SettlerOptions) {
    this.#options = options
    this.#cursor = options.cursor
  }

  /** As many failures wait as may: nothing that may fail is to be begun. */
  get isFull(): boolean {
    return this.#failures.length >= this.#options.limits.maxWaitingFailures
  }

  /** True while retried failures have come to an end that is not stored. */
  get hasOutcomes(): boolean {
    return this.#failures.length + this.#resolved.length > 0
  }

  /** Work is through: the cursor may move. */
  settle(): void {
    this.#storeWithin(this.#options.limits.settleIntervalMs)
  }

  /** The cursor may move, but only because nothing was for the agent. */
  pass(): void {
    this.#storeWithin(this.#options.limits.idleSettleIntervalMs)
  }

  /** A message was given up; to be told before its place is through. */
  fail(report: FailureReport): void {
    this.#failures.push(report)
    this.settle()
  }

  /** A failure that was handed out again is through. */
  resolve(place: number): void {
    this.#resolved.push(place)
    this.settle()
  }

  /** Stores what there is; resolves when that was tried, whatever came of it. Nothing is stored afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#clear()
    await this.#storing
    await this.#store()
  }

  #storeWithin(delayMs: number): void {
    if (this.#isClosed) return
    const dueMs = performance.now() + delayMs
    if (this.#timer !== undefined && this.#dueMs <= dueMs) return
    this.#clear()
    this.#dueMs = dueMs
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#storing ??= this.#store().finally(() => {
        this.#storing = undefined
      })
    }, delayMs)
  }

  #clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Never rejects. */
  async #store(): Promise<void> {
    const { log, agentId, isRegistered, logger, onStored } = this.#options
    const upTo = this.#options.upTo()
    const failures = [...this.#failures]
    const resolved = [...this.#resolved]
    if (upTo <= this.#cursor && failures.length + resolved.length === 0) return
    try {
      const base = {
        type: 'settle',
        id: newId(),
        agentId,
        ...(isRegistered && { isRegistered }),
      } as const
      await log.append({ ...base, upTo, failures, resolved })
    } catch (error) {
      if (!this.#isFailing)
        logger.warn({ err: error, agentId }, "the agent's cursor was not stored")
      this.#isFailing = true
      this.#storeWithin(RETRY_MS)
      return
    }
    this.#isFailing = false
    this.#cursor = upTo
    this.#failures.splice(0, failures.length)
    this.#resolved.splice(0, resolved.length)
    if (this.hasOutcomes) this.settle()
    onStored(failures)
  }
}
