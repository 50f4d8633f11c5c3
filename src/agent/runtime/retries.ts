import type { AgentInbox, InboxItem } from '../../log/inbox.ts'
import type { Logger } from '../../telemetry/logger.ts'

export interface RetriesOptions {
  readonly inbox: Pick<AgentInbox, 'retries'>
  readonly agentId: string
  readonly logger: Logger
  /** False while the outcome of an earlier one is not stored: it would be handed out a second time. */
  readonly isReady: () => boolean
  /** Deals with one, to its end. */
  readonly handle: (item: InboxItem) => Promise<void>
}

/** Hands out, one at a time, the failures that somebody wants to be tried again. */
export class Retries {
  readonly #options: RetriesOptions
  #isStopped = false
  #isLooking = false

  constructor(options: RetriesOptions) {
    this.#options = options
  }

  /** There may be one. */
  wake(): void {
    if (this.#isStopped || this.#isLooking || !this.#options.isReady()) return
    this.#isLooking = true
    void this.#look()
  }

  stop(): void {
    this.#isStopped = true
  }

  async #look(): Promise<void> {
    const { inbox, agentId, logger, handle } = this.#options
    try {
      const { items } = await inbox.retries({ agentId, after: 0, limit: 1 })
      const [item] = items
      if (item !== undefined && !this.#isStopped) await handle(item)
    } catch (error) {
      // It is woken again within a second.
      logger.error({ err: error, agentId }, "the agent's retries could not be read")
    } finally {
      this.#isLooking = false
    }
  }
}
