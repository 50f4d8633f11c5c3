export interface LogBatchesOptions {
  /** Delivers one batch; the next one waits for it. Does not reject: what is lost is lost. */
  readonly send: (lines: readonly string[]) => Promise<void>
  /** Told how many lines did not fit since the last batch. */
  readonly onDropped: (count: number) => void
  /** Longest that a line waits for company. More: fewer messages. Less: the stream is closer to now. */
  readonly flushEveryMs?: number
  /** Most lines in one batch; with `flushEveryMs` it bounds what one process may put on the stream. */
  readonly maxBatchLines?: number
  /** Most lines that wait. Past it new ones are counted and left out of the stream, not of the output. */
  readonly maxQueuedLines?: number
}

const FLUSH_EVERY_MS = 100
const MAX_BATCH_LINES = 500
const MAX_QUEUED_LINES = 5_000

/**
 * Gathers log lines into batches, in order, each line in exactly one batch, with one batch under way
 * at a time. Memory stays bounded however fast is logged and however slowly is taken.
 */
export class LogBatches {
  readonly #options: Required<LogBatchesOptions>
  #queue: string[] = []
  #droppedCount = 0
  #timer: NodeJS.Timeout | undefined
  #isSending = false

  constructor(options: LogBatchesOptions) {
    this.#options = {
      flushEveryMs: FLUSH_EVERY_MS,
      maxBatchLines: MAX_BATCH_LINES,
      maxQueuedLines: MAX_QUEUED_LINES,
      ...options,
    }
  }

  push(line: string): void {
    if (this.#queue.length >= this.#options.maxQueuedLines) {
      this.#droppedCount += 1
      return
    }
    this.#queue.push(line)
    this.#schedule()
  }

  /** Sends one batch at once, whatever the timer says; for the end of a process. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isSending || this.#queue.length === 0) return
    const lines = this.#queue.splice(0, this.#options.maxBatchLines)
    void this.#send(lines)
    this.#reportDropped()
  }

  async #send(lines: readonly string[]): Promise<void> {
    this.#isSending = true
    await this.#options.send(lines)
    this.#isSending = false
    if (this.#queue.length > 0) this.#schedule()
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isSending) return
    this.#timer = setTimeout(() => {
      this.flush()
    }, this.#options.flushEveryMs)
    this.#timer.unref()
  }

  #reportDropped(): void {
    if (this.#droppedCount === 0) return
    const count = this.#droppedCount
    this.#droppedCount = 0
    this.#options.onDropped(count)
  }
}
