import { setImmediate as nextTurn } from 'node:timers/promises'
import { ChannelError } from '../../protocol/errors.ts'
import type { Message, MessageBody, StreamEnd } from '../../protocol/model.ts'
import { present } from '../../service/refusals.ts'
import type { Sizes } from '../../service/sizes.ts'
import { compact } from '../../util/compact.ts'
import type { SentMessage } from '../message-worker.ts'
import { readRest } from './content.ts'
import { StreamStore } from './stream-store.ts'
import type { StreamStoreOptions } from './stream-store.ts'
import { StreamText } from './stream-text.ts'

/** How a stream ends that does not come to its end. */
export type CutState = Exclude<StreamEnd, 'complete'>

export interface OutgoingStreamOptions extends StreamStoreOptions {
  readonly sizes: Pick<Sizes, 'checkMessage' | 'maxMessageBytes'>
  /** It ended before its time, in an earlier run or for want of a link. */
  readonly onOver: (state: CutState) => void
  /** A participant wants its end. */
  readonly onCancelled: () => void
}

/** What became of the attempt to begin. `said`: an earlier run had come to the end of it. */
type Opened = { readonly kind: 'streaming' } | { readonly kind: 'said'; readonly message: Message }

/** A message of an agent that is shown while it is written. */
export class OutgoingStream {
  readonly #options: OutgoingStreamOptions
  readonly #store: StreamStore
  readonly #text: StreamText
  #opening: Promise<Opened> | undefined
  #isRefused = false
  #flushing: Promise<void> | undefined
  #ending: Promise<SentMessage | undefined> | undefined
  #cut: { readonly state: CutState; readonly stored: Promise<void> } | undefined
  /** The end of one of which nobody knows whether it had begun. */
  #cleared: Promise<void> | undefined
  #isLeft = false

  constructor(options: OutgoingStreamOptions) {
    this.#options = options
    this.#store = new StreamStore(options)
    this.#text = new StreamText(options.sizes.maxMessageBytes)
  }

  get messageId(): string {
    return this.#options.messageId
  }

  /** Whether it was cut short and what was shown of it stands. */
  get isLeft(): boolean {
    return this.#isLeft
  }

  get isCut(): boolean {
    return this.#cut !== undefined
  }

  /**
   * Takes more text; resolves when it is on its way. What is written in one turn of the event loop, and while it
   * begins, is one chunk.
   *
   * @throws TypeError, and nothing is taken; Error when it is over; what `open-stream` is refused with.
   */
  async write(text: unknown): Promise<void> {
    this.#requireGoingOn('write')
    if (typeof text !== 'string') throw new TypeError('stream.write: must be a text')
    this.#text.add(text)
    if (this.#text.isWaiting) await this.#flush()
  }

  /** See `MessageStream`. @throws likewise. */
  end(rest: unknown): Promise<SentMessage | undefined> {
    if (this.#ending === undefined) {
      this.#requireGoingOn('end')
      const { text, thought, actions, attachments, metadata } = readRest('stream.end', rest)
      const added = compact({ attachments, metadata, raw: compact({ thought, actions }) })
      this.#options.sizes.checkMessage(added)
      this.#text.add(text)
      this.#ending = this.#finish(added)
    }
    return this.#ending
  }

  /** Its author has nothing more to say. @throws what keeps it from being stored. */
  async complete(): Promise<void> {
    const isOver = this.#isRefused || this.#cut !== undefined || this.#ending !== undefined
    if (!isOver) await this.end(undefined)
    await this.#cleared
  }

  /** Ends it with what was written. Resolves when that is stored, or nothing more can be done. Never rejects. */
  async cut(state: CutState, error?: string): Promise<void> {
    if (this.#ending !== undefined) {
      // Whoever called `end` hears of it.
      await this.#ending.catch(() => undefined)
    } else {
      this.#cut ??= { state, stored: this.#storeCut(state, error) }
      await this.#cut.stored
    }
    await this.#cleared
  }

  /** The process ends; see `StreamStore`. */
  abandon(): void {
    this.#store.abandon()
  }

  #requireGoingOn(act: string): void {
    const why = this.#cut === undefined ? 'ended' : WORDS[this.#cut.state]
    if (this.#cut !== undefined || this.#ending !== undefined) {
      throw new Error(`stream.${act}: the stream ${why}`)
    }
  }

  #flush(): Promise<void> {
    this.#flushing ??= this.#showAll()
    return this.#flushing
  }

  async #showAll(): Promise<void> {
    try {
      const { kind } = await this.#open()
      while (this.#text.isWaiting) {
        await nextTurn()
        this.#showSome(kind)
      }
    } finally {
      // In the same turn as the last look at what waits: what comes now is not left waiting.
      this.#flushing = undefined
    }
  }

  #showSome(kind: Opened['kind']): void {
    const piece = this.#text.take()
    if (piece !== undefined && kind === 'streaming') this.#store.show(piece)
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#begin()
    return this.#opening
  }

  async #begin(): Promise<Opened> {
    try {
      const { stream, message } = await this.#store.open()
      const { state, messageId, isCancelled } = present(stream, 'stream')
      if (state === 'streaming' || state === 'thinking' || state === 'waiting') {
        if (messageId !== this.messageId) throw new Error('stream: an earlier one goes on')
        if (isCancelled === true) this.#options.onCancelled()
        return { kind: 'streaming' }
      }
      if (state === 'complete') return { kind: 'said', message: present(message, 'message') }
      throw this.#over(state)
    } catch (error) {
      this.#isRefused = true
      // It may have begun all the same.
      if (error instanceof ChannelError && error.code === 'WRITER_UNAVAILABLE') {
        this.#cleared = this.#storeEnd('interrupted', '')
      }
      throw error
    }
  }

  #over(state: CutState): Error {
    this.#options.onOver(state)
    return new Error(`stream: it ${WORDS[state]} before its end`)
  }

  async #finish(added: Partial<MessageBody>): Promise<SentMessage | undefined> {
    this.#text.close()
    const { attachments = [] } = added
    if (this.#text.text === '' && attachments.length === 0) return undefined
    const opened = await this.#open()
    await this.#flush()
    if (opened.kind === 'said') return sentOf(opened.message, true)
    const end = { state: 'complete', text: this.#text.text, added } as const
    const { stream, message } = await this.#store.end(end)
    const { state } = present(stream, 'stream')
    if (state === 'complete' && message !== undefined) {
      return sentOf(message, message.id !== this.messageId)
    }
    throw this.#over(state === 'cancelled' || state === 'failed' ? state : 'interrupted')
  }

  async #storeCut(state: CutState, error: string | undefined): Promise<void> {
    this.#text.close()
    if (this.#opening === undefined) return
    try {
      const { kind } = await this.#opening
      if (kind === 'said') return
    } catch {
      // Whoever wrote has heard of it, and there is nothing to end.
      return
    }
    while (this.#text.isWaiting) this.#showSome('streaming')
    const { text } = this.#text
    this.#isLeft = text !== ''
    await this.#storeEnd(state, text, error)
  }

  /** Never rejects. */
  async #storeEnd(state: CutState, text: string, error?: string): Promise<void> {
    const { logger, messageId } = this.#options
    try {
      await this.#store.end({ state, text, ...(error !== undefined && { error }) })
    } catch (thrown) {
      // Its channel is deleted, or the process ends while the writer is away.
      logger.debug({ err: thrown, messageId, state }, 'the end of a stream is left to the log')
    }
  }
}

const WORDS = {
  cancelled: 'was cancelled',
  interrupted: 'was interrupted',
  failed: 'has failed',
} as const satisfies Record<CutState, string>

function sentOf({ id, channelId, seq, createdAt }: Message, isDuplicate: boolean): SentMessage {
  return { id, channelId, seq, createdAt, isDuplicate }
}
