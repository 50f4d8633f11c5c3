import type { StreamCommand } from '../../log/agent-work.ts'
import type { ChannelLog, Outcome } from '../../log/log.ts'
import { ChannelError } from '../../protocol/errors.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import type { MessageBody, StreamEnd } from '../../protocol/model.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { newId } from '../../util/new-id.ts'
import type { Piece } from './stream-text.ts'

/** What a stream becomes, but for its text and what its end adds. */
interface StreamDraft {
  readonly channelId: string
  readonly authorId: string
  /** Names it for its author, in every run of the handler. */
  readonly name: string
  /** See `open-stream`. */
  readonly again?: string
  /** The message that it answers. */
  readonly answers?: string
  readonly body: Omit<MessageBody, 'text'>
}

export interface StreamStoreOptions {
  readonly log: Pick<ChannelLog, 'append' | 'writeStream'>
  readonly messageId: string
  readonly draft: StreamDraft
  readonly logger: Logger
}

type End = Extract<StreamCommand, { readonly type: 'end-stream' }>

/** How a stream ends, and with what. */
export interface StreamEnding {
  readonly state: StreamEnd
  /** For people. */
  readonly error?: string
  readonly text: string
  readonly added?: Partial<MessageBody>
}

/** How long to wait before an end that could not be stored is tried again. */
const RETRY_MS = 1_000

/** What passes. */
const WAITED_FOR: ReadonlySet<ErrorCode> = new Set([
  'OVERLOADED',
  'STORAGE_FULL',
  'WRITER_UNAVAILABLE',
])

/** The log knows better; an end of the process that is not known to it is nobody's. */
const UNKNOWN_OWNER = ''

/** One stream from the side of the log. */
export class StreamStore {
  readonly #options: StreamStoreOptions
  #isAbandoned = false

  constructor(options: StreamStoreOptions) {
    this.#options = options
  }

  /** @throws the codes of `open-stream`; WRITER_UNAVAILABLE, and then it may have begun or not. */
  open(): Promise<Outcome> {
    const { log, messageId, draft } = this.#options
    const { channelId, authorId, name, again, answers, body } = draft
    return log.append({
      type: 'open-stream',
      id: newId(),
      owner: UNKNOWN_OWNER,
      message: {
        id: messageId,
        channelId,
        authorId,
        clientMessageId: name,
        body: { ...body, text: '' },
      },
      ...(answers !== undefined && { answers }),
      ...(again !== undefined && { again }),
      visibleTo: authorId,
    })
  }

  show(piece: Piece): void {
    const { log, messageId } = this.#options
    log.writeStream({ messageId, ...piece })
  }

  /**
   * Ends it; tried again until it is stored, since nobody else ends a stream of this process while it lives.
   *
   * @throws what is no matter of waiting, and anything once it is abandoned.
   */
  async end({ state, error, text, added }: StreamEnding): Promise<Outcome> {
    const { log, messageId, draft, logger } = this.#options
    const command: End = {
      type: 'end-stream',
      id: newId(),
      messageId,
      state,
      ...(error !== undefined && { error }),
      body: { ...draft.body, ...added, text },
    }
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await log.append(command)
      } catch (thrown) {
        if (this.#isAbandoned || !passes(thrown)) throw thrown
        if (attempt === 1) logger.warn({ err: thrown, messageId }, "a stream's end was not stored")
      }
      await new Promise((resolve) => {
        setTimeout(resolve, RETRY_MS)
      })
    }
  }

  /** The process ends: whatever is not stored is left to the log, which ends it when the process is gone. */
  abandon(): void {
    this.#isAbandoned = true
  }
}

function passes(thrown: unknown): boolean {
  return thrown instanceof ChannelError && WAITED_FOR.has(thrown.code)
}
