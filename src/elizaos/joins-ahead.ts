import type { JoinEvent } from '../agent/message-worker.ts'
import type { ChannelLog } from '../log/log.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createDeferred } from '../util/deferred.ts'
import type { ElizaRuntime } from './eliza-runtime.ts'
import { entityJoined, JOINED } from './incoming.ts'

/** Joins that are told at a time; past it they are dropped and logged. */
const MAX_TOLD = 1_000

/** How long a runtime's handlers of a join are waited for; past it the join has failed, and others may be told. */
const JOIN_TIMEOUT_MS = 30_000

export interface JoinsAheadOptions {
  readonly log: Pick<ChannelLog, 'channel'>
  readonly logger: Logger
}

/**
 * Tells a runtime of joins of channels that do not exist yet, as elizaOS does where the client names an agent: its
 * clients join first, and a channel comes with its first message. Nobody takes part in it before, so that no agent
 * would be told.
 */
export class JoinsAhead {
  readonly #options: JoinsAheadOptions
  #toldCount = 0

  constructor(options: JoinsAheadOptions) {
    this.#options = options
  }

  /** Does nothing where the channel exists: those who take part are told. */
  tell(runtime: ElizaRuntime, joined: JoinEvent): void {
    if (this.#toldCount < MAX_TOLD) void this.#tell(runtime, joined)
    else this.#options.logger.warn({ channelId: joined.channelId }, 'join dropped: too many wait')
  }

  /** Never rejects. */
  async #tell(runtime: ElizaRuntime, joined: JoinEvent): Promise<void> {
    const { log, logger } = this.#options
    const { channelId } = joined
    this.#toldCount += 1
    try {
      if ((await log.channel(channelId)) !== undefined) return
      const told = runtime.emitEvent(JOINED, entityJoined(runtime, joined, { type: 'GROUP' }))
      await withinTime(told)
    } catch (error) {
      const { agentId, character } = runtime
      const facts = { err: error, agentName: character.name, agentId, channelId }
      logger.error(facts, "the runtime's join failed")
    } finally {
      this.#toldCount -= 1
    }
  }
}

/** @throws what the handlers throw; Error when they have not ended in time. */
async function withinTime(told: Promise<void>): Promise<void> {
  const late = createDeferred<never>()
  const timer = setTimeout(
    () => late.reject(new Error(`its handlers did not end in ${JOIN_TIMEOUT_MS} ms`)),
    JOIN_TIMEOUT_MS,
  ).unref()
  try {
    await Promise.race([told, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
