import type { ChannelLog } from '../log/log.ts'
import { newId } from '../util/new-id.ts'

type FailureLog = Pick<ChannelLog, 'append' | 'failures'>

type FailureQuery = Parameters<FailureLog['failures']>[1]

/** A message that an agent gave up. */
export type Failure = Awaited<ReturnType<FailureLog['failures']>>[number]

/** The messages that agents gave up, for whoever looks after them. */
export class FailureService {
  readonly #log: FailureLog

  constructor(log: FailureLog) {
    this.#log = log
  }

  /** Newest messages first. */
  list(agentId: string, query: FailureQuery): Promise<readonly Failure[]> {
    return this.#log.failures(agentId, query)
  }

  /** Has the agent try once more; again before it did changes nothing. @throws FAILURE_NOT_FOUND. */
  async retry(agentId: string, messageId: string): Promise<void> {
    await this.#log.append({ type: 'retry-failure', id: newId(), agentId, messageId })
  }

  /** Takes it from the list, also while it waits to be tried again. @throws FAILURE_NOT_FOUND. */
  async discard(agentId: string, messageId: string): Promise<void> {
    await this.#log.append({ type: 'discard-failure', id: newId(), agentId, messageId })
  }
}
