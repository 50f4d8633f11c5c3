import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AgentInbox, InboxItem } from '../../log/inbox.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { RuntimeLimits } from './limits.ts'
import { ReadAhead } from './read-ahead.ts'

/** Messages of one read for channels that are behind: some of them may be others'. */
const CATCH_UP_ROWS = 256

export interface InboxReaderOptions {
  readonly inbox: Pick<AgentInbox, 'inbox'>
  readonly agentId: string
  /** The cursor: everything up to there is dealt with. */
  readonly after: number
  readonly limits: Pick<RuntimeLimits, 'readAhead' | 'channelReadAhead' | 'maxThroughAhead'>
  readonly logger: Logger
  /** Takes a message: per channel in the order of the channel, each once. */
  readonly onItem: (item: InboxItem) => void
  /** Something was read that moves `settledUpTo`. */
  readonly onProgress: () => void
}

/**
 * Reads an agent's messages from the log and hands them out, no more than may be held at a time.
 *
 * It reads when it is woken; one read at a time, and other work of the process in between.
 */
export class InboxReader {
  readonly #options: InboxReaderOptions
  readonly #ahead: ReadAhead
  #isWoken = false
  #isStopped = false
  #looking: Promise<void> | undefined

  constructor(options: InboxReaderOptions) {
    this.#options = options
    this.#ahead = new ReadAhead(options.after, options.limits)
  }

  /** The place up to which everything is through. */
  get settledUpTo(): number {
    return this.#ahead.settledUpTo
  }

  /** There may be something to read. */
  wake(): void {
    this.#isWoken = true
    if (this.#isStopped) return
    this.#looking ??= this.#look()
  }

  /** The message is through, so that there is room for another one. */
  release(item: InboxItem): void {
    const wasFull = this.#ahead.room === 0
    this.#ahead.release(item)
    if (wasFull || this.#ahead.hungryFrom() !== undefined) this.wake()
  }

  /** Reads nothing more. Resolves when no read is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#looking
  }

  async #look(): Promise<void> {
    const { agentId, logger } = this.#options
    try {
      while (this.#isWoken && !this.#isStopped) {
        this.#isWoken = false
        while (await this.#step()) await nextTurn()
      }
    } catch (error) {
      // It is woken again within a second.
      logger.error({ err: error, agentId }, "the agent's inbox could not be read")
    } finally {
      this.#looking = undefined
    }
  }

  /** One read; true when there is another one to do. */
  async #step(): Promise<boolean> {
    if (this.#isStopped) return false
    const from = this.#ahead.hungryFrom()
    if (from !== undefined) {
      await this.#catchUp(from)
      return true
    }
    return this.#ahead.room > 0 && this.#readOn()
  }

  async #readOn(): Promise<boolean> {
    const { inbox, agentId, onItem, onProgress } = this.#options
    const { after, room } = this.#ahead
    const page = await inbox.inbox({ agentId, after, limit: room })
    if (this.#isStopped) return false
    for (const item of page.items) if (this.#ahead.offer(item)) onItem(item)
    // A log that was put back behind the cursor has its own newest place.
    this.#ahead.after = page.upTo
    if (page.upTo !== after) onProgress()
    return page.hasMore
  }

  /** Hands out what was passed over, from a place on, as far as one read and the channels' bounds go. */
  async #catchUp(from: number): Promise<void> {
    const { inbox, agentId, onItem } = this.#options
    const { items, upTo } = await inbox.inbox({ agentId, after: from - 1, limit: CATCH_UP_ROWS })
    if (this.#isStopped) return
    for (const item of this.#ahead.catchUp(items, { from, upTo })) onItem(item)
  }
}
