import { ChannelError } from '../protocol/errors.ts'

export interface GroupCommitLimits {
  /**
   * Longest wait for siblings, in ms. More: larger batches under load, later answers. It is spent
   * only after a batch that held more than one item; 0 never waits.
   */
  readonly windowMs: number
  /** Most items of one batch; the rest waits for the next one. */
  readonly maxBatch: number
  /** A batch closes once it holds this many bytes. */
  readonly maxBatchBytes: number
  /** Most items waiting. Past it `submit` throws `OVERLOADED`, so memory stays bounded. */
  readonly maxPending: number
  /** Most bytes waiting, likewise; one item alone is always taken. */
  readonly maxPendingBytes: number
}

export const GROUP_COMMIT_LIMITS: GroupCommitLimits = {
  windowMs: 1,
  maxBatch: 1_000,
  maxBatchBytes: 4_000_000,
  maxPending: 20_000,
  maxPendingBytes: 64_000_000,
}

interface GroupCommitOptions<Item> {
  readonly limits: GroupCommitLimits
  /** Stores a batch and answers for it. Throwing means that storage failed. */
  readonly commit: (items: readonly Item[]) => void
  /** Gets, once, what will not be stored because storage failed: the failed batch and all behind it. */
  readonly onFailure: (error: unknown, items: readonly Item[]) => void
}

interface Waiting<Item> {
  readonly item: Item
  readonly sizeBytes: number
}

/**
 * Turns many small writes into few transactions without making a lone write wait.
 *
 * After a batch of one, the next item commits at the end of its turn of the event loop. After a
 * larger batch there are siblings under way, and a batch gathers until as many have arrived as last
 * time, at most `windowMs`: without the wait the first arrival commits alone and the others wait
 * for a whole fsync (30–70 % of the throughput, measured), while a wait that does not look back
 * costs a lone message 1–2 ms. Items are committed in the order of `submit`.
 *
 * A batch succeeds or fails whole. After a failure nothing more is taken: a failed fsync must never
 * be retried on the same connection.
 */
export class GroupCommit<Item> {
  readonly #options: GroupCommitOptions<Item>
  #waiting: Waiting<Item>[] = []
  #waitingBytes = 0
  #lastBatch = 1
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #isCommitting = false
  #isStopped = false

  constructor(options: GroupCommitOptions<Item>) {
    this.#options = options
  }

  get pending(): number {
    return this.#waiting.length
  }

  /**
   * Queues an item for the next batch.
   *
   * @throws OVERLOADED when the bound is reached (nothing was taken); WRITER_UNAVAILABLE after a
   * failure or a stop.
   */
  submit(item: Item, sizeBytes: number): void {
    if (this.#isStopped) throw new ChannelError('WRITER_UNAVAILABLE')
    const { limits } = this.#options
    const isFull =
      this.#waiting.length >= limits.maxPending ||
      (this.#waiting.length > 0 && this.#waitingBytes + sizeBytes > limits.maxPendingBytes)
    if (isFull) throw new ChannelError('OVERLOADED')
    this.#waiting.push({ item, sizeBytes })
    this.#waitingBytes += sizeBytes
    this.#schedule()
  }

  /** Takes nothing more and commits everything that waits, now (from within a commit: right after it). */
  stop(): void {
    this.#isStopped = true
    while (this.#waiting.length > 0 && !this.#isCommitting) this.#commit()
  }

  #schedule(): void {
    if (this.#immediate !== undefined) return
    const { windowMs } = this.#options.limits
    if (windowMs === 0 || this.#isGathered()) {
      this.#immediate = setImmediate(() => this.#commit())
    } else {
      this.#timer ??= setTimeout(() => this.#commit(), windowMs)
    }
  }

  #isGathered(): boolean {
    const { maxBatch, maxBatchBytes } = this.#options.limits
    const expected = Math.min(this.#lastBatch, maxBatch)
    return this.#waiting.length >= expected || this.#waitingBytes >= maxBatchBytes
  }

  #commit(): void {
    clearTimeout(this.#timer)
    if (this.#immediate !== undefined) clearImmediate(this.#immediate)
    this.#timer = undefined
    this.#immediate = undefined
    const items = this.#takeBatch()
    if (items.length === 0) return
    this.#lastBatch = items.length
    this.#isCommitting = true
    try {
      this.#options.commit(items)
    } catch (error) {
      this.#fail(error, items)
    } finally {
      this.#isCommitting = false
    }
    if (this.#waiting.length > 0) this.#immediate ??= setImmediate(() => this.#commit())
  }

  #takeBatch(): Item[] {
    const { maxBatch, maxBatchBytes } = this.#options.limits
    let count = 0
    let bytes = 0
    for (const { sizeBytes } of this.#waiting) {
      if (count >= maxBatch || (count > 0 && bytes + sizeBytes > maxBatchBytes)) break
      count += 1
      bytes += sizeBytes
    }
    const taken = count === this.#waiting.length ? this.#waiting : this.#waiting.slice(0, count)
    this.#waiting = count === this.#waiting.length ? [] : this.#waiting.slice(count)
    this.#waitingBytes -= bytes
    return taken.map(({ item }) => item)
  }

  /** Ends it as a failed commit does, for a failure of the same storage outside of a commit. */
  fail(error: unknown): void {
    if (!this.#isStopped) this.#fail(error, [])
  }

  #fail(error: unknown, batch: readonly Item[]): void {
    const lost = [...batch, ...this.#waiting.map(({ item }) => item)]
    this.#waiting = []
    this.#waitingBytes = 0
    this.#isStopped = true
    this.#options.onFailure(error, lost)
  }
}
