import type { Ephemeral, JoinNotice } from '../protocol/model.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ChunkRef, TurnRef } from './agent-work.ts'
import { withOwner } from './work/with-owner.ts'
import { LogCore } from './core.ts'
import type { Attachment, CoreConsumer } from './attachment.ts'
import type { LogCoreOptions } from './core.ts'
import type { ChannelLog, Command, Outcome } from './log.ts'
import { LogReads } from './reads.ts'

/** The one process that there is. */
const OWNER = 'local'

interface LocalLogOptions {
  readonly engine: LogCoreOptions['engine']
  readonly consumer: CoreConsumer
  readonly limits?: LogCoreOptions['limits']
  readonly logger?: Logger
  /** Storage failed; every append that waited was rejected with `WRITER_UNAVAILABLE`. */
  readonly onFailure?: (error: unknown) => void
}

/** Opens a log for one process that is its own writer; it owns the engine and closes it. */
export function openLocalLog(options: LocalLogOptions): LocalLog {
  const core = new LogCore({
    engine: options.engine,
    onFailure:
      options.onFailure ?? ((error) => options.logger?.fatal({ err: error }, 'storage failed')),
    ...(options.limits !== undefined && { limits: options.limits }),
    ...(options.logger !== undefined && { logger: options.logger }),
  })
  core.start()
  return new LocalLog(core, options.consumer)
}

/** The log without processes between: for tests and for tools that run alone. */
export class LocalLog extends LogReads implements ChannelLog {
  readonly #core: LogCore
  readonly #attachment: Attachment
  readonly #consumer: CoreConsumer

  constructor(core: LogCore, consumer: CoreConsumer) {
    super(core.engine)
    this.#core = core
    this.#consumer = consumer
    this.#attachment = core.attach(consumer)
    core.streams.ownerBack(OWNER)
  }

  append(command: Command): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const sizeBytes = Buffer.byteLength(JSON.stringify(command))
      this.#core.submit(withOwner(command, OWNER), sizeBytes, (applied) => {
        if ('error' in applied) reject(applied.error)
        else resolve(applied.outcome)
      })
    })
  }

  publish(frame: Ephemeral): void {
    this.#core.publish(frame)
  }

  announce(joined: JoinNotice): void {
    this.#core.announce(joined)
  }

  runAgents(agentIds: readonly string[]): void {
    this.#core.turns.run(OWNER, agentIds)
  }

  beginTurn(turn: TurnRef): void {
    this.#core.turns.begin(OWNER, turn)
  }

  endTurn(turn: TurnRef): void {
    this.#core.endTurn(OWNER, turn)
  }

  writeStream(chunk: ChunkRef): void {
    this.#core.streams.write(OWNER, chunk)
  }

  async follow(channelId: string): Promise<number> {
    const position = this.#attachment.follow(channelId)
    const activity = this.#core.activity(channelId)
    if (activity !== undefined) this.#consumer.onEphemeral(activity)
    return position
  }

  unfollow(channelId: string): void {
    this.#attachment.unfollow(channelId)
  }

  async close(): Promise<void> {
    this.#core.close()
    this.#attachment.detach()
    this.reader.close()
  }
}
