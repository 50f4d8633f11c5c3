import { FrameKind } from '../../ipc/frame-kinds.ts'
import { encodeFrame } from '../../ipc/frames.ts'
import { ChannelError, toChannelError } from '../../protocol/errors.ts'
import type { Ephemeral } from '../../protocol/model.ts'
import type { Command, Outcome } from '../log.ts'
import { decodeAnswer } from './wire.ts'
import type { Answer } from './wire.ts'

export interface AppendLimits {
  /** Most appends without an answer. Past it `append` rejects with `OVERLOADED` and nothing is sent. */
  readonly maxPending: number
  /** Most bytes of them, likewise. */
  readonly maxPendingBytes: number
  /**
   * Longest wait for an answer, in ms. Past it the append rejects with `WRITER_UNAVAILABLE`: it may
   * be stored or not, and it is not sent again.
   */
  readonly appendTimeoutMs: number
  /** Largest encoded change, in bytes. Past it `append` rejects with `PAYLOAD_TOO_LARGE`. */
  readonly maxFrameBytes: number
}

interface AppendQueueOptions {
  readonly limits: AppendLimits
  readonly link: { readonly bufferedBytes: number; sendFrame(frame: Buffer): void }
  /** Runs `release` once the entry that the outcome speaks of was delivered in this process. */
  readonly whenDelivered: (command: Command, outcome: Outcome, release: () => void) => void
}

interface Pending {
  readonly ref: number
  readonly frame: Buffer
  readonly deadlineMs: number
  /** Absent for a published frame, which nobody answers. */
  readonly append?: {
    readonly command: Command
    readonly resolve: (outcome: Outcome) => void
    readonly reject: (error: ChannelError) => void
    /** Known, and held until its entry was delivered. */
    outcome?: Outcome
  }
}

/** Bytes that may wait in the link before the rest waits here, where it can still time out unsent. */
const SEND_AHEAD_BYTES = 1_000_000

/**
 * The changes of this process on their way to the writer, in the order of the calls.
 *
 * Invariant: the map holds, in order, everything that is not finished; everything before
 * `#nextToSend` was sent over the present link. After a loss of the link it is sent again from the
 * start, ahead of anything new; the ids make a repetition harmless.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions
  readonly #pending = new Map<number, Pending>()
  #pendingBytes = 0
  #nextRef = 1
  #nextToSend = 1
  #isReady = false
  #closedBy: ChannelError | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: AppendQueueOptions) {
    this.#options = options
  }

  append(command: Command): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const ref = this.#nextRef
      const frame = encodeFrame(FrameKind.LOG_APPEND, JSON.stringify([ref, command]))
      const refusal = this.#refusal(frame.length)
      if (refusal === undefined) this.#push(frame, { command, resolve, reject })
      else reject(refusal)
    })
  }

  /** Takes its place among the appends; dropped when as much waits as may. */
  publish(frame: Ephemeral): void {
    const encoded = encodeFrame(FrameKind.LOG_PUBLISH, JSON.stringify(frame))
    if (this.#refusal(encoded.length) === undefined) this.#push(encoded)
  }

  /** The writer can be spoken to: sends everything that is unanswered, then what comes. */
  open(): void {
    this.#isReady = true
    this.#nextToSend = firstKey(this.#pending) ?? this.#nextRef
    this.pump()
  }

  /** The link is lost; what is pending waits for the next `open`. */
  suspend(): void {
    this.#isReady = false
  }

  /** Sends on, as far as the link is read by the writer. */
  pump(): void {
    const { link } = this.#options
    while (this.#isReady && this.#nextToSend < this.#nextRef) {
      if (link.bufferedBytes > SEND_AHEAD_BYTES) return
      const pending = this.#pending.get(this.#nextToSend)
      this.#nextToSend += 1
      if (pending === undefined) continue
      if (pending.append === undefined) this.#finish(pending)
      if (pending.append?.outcome === undefined) link.sendFrame(pending.frame)
    }
  }

  take(answers: readonly Answer[]): void {
    for (const answer of answers) {
      const pending = this.#pending.get(answer[0])
      // Absent: timed out, or answered over an earlier link as well.
      if (pending?.append !== undefined) this.#settle(pending, pending.append, answer)
    }
  }

  /** Rejects everything that is unanswered, now and from now on. */
  close(error: ChannelError): void {
    this.#closedBy = error
    clearTimeout(this.#timer)
    for (const pending of this.#pending.values()) {
      this.#finish(pending)
      const { append } = pending
      if (append?.outcome === undefined) append?.reject(error)
      else append.resolve(append.outcome)
    }
  }

  #refusal(frameBytes: number): ChannelError | undefined {
    const { maxPending, maxPendingBytes, maxFrameBytes } = this.#options.limits
    if (this.#closedBy !== undefined) return this.#closedBy
    if (frameBytes > maxFrameBytes) return new ChannelError('PAYLOAD_TOO_LARGE')
    const isFull =
      this.#pending.size >= maxPending ||
      (this.#pending.size > 0 && this.#pendingBytes + frameBytes > maxPendingBytes)
    return isFull ? new ChannelError('OVERLOADED') : undefined
  }

  #push(frame: Buffer, append?: Pending['append']): void {
    const ref = this.#nextRef
    this.#nextRef += 1
    const deadlineMs = performance.now() + this.#options.limits.appendTimeoutMs
    this.#pending.set(ref, { ref, frame, deadlineMs, ...(append !== undefined && { append }) })
    this.#pendingBytes += frame.length
    this.pump()
    this.#armTimer()
  }

  #settle(pending: Pending, append: NonNullable<Pending['append']>, answer: Answer): void {
    let outcome: Outcome
    try {
      outcome = decodeAnswer(append.command, answer)
    } catch (error) {
      this.#finish(pending)
      append.reject(toChannelError(error))
      return
    }
    append.outcome = outcome
    this.#options.whenDelivered(append.command, outcome, () => {
      if (this.#finish(pending)) append.resolve(outcome)
    })
  }

  #finish(pending: Pending): boolean {
    if (!this.#pending.delete(pending.ref)) return false
    this.#pendingBytes -= pending.frame.length
    return true
  }

  /** One timer for all: every deadline is the same time away, so the first entry is the next to expire. */
  #armTimer(): void {
    if (this.#timer !== undefined) return
    const [first] = this.#pending.values()
    if (first === undefined) return
    const delayMs = Math.max(1, first.deadlineMs - performance.now())
    this.#timer = setTimeout(() => this.#expire(), delayMs)
    this.#timer.unref()
  }

  #expire(): void {
    this.#timer = undefined
    const nowMs = performance.now()
    for (const pending of this.#pending.values()) {
      if (pending.deadlineMs > nowMs) break
      this.#finish(pending)
      const { append } = pending
      if (append?.outcome === undefined) append?.reject(new ChannelError('WRITER_UNAVAILABLE'))
      else append.resolve(append.outcome)
    }
    this.#armTimer()
  }
}

function firstKey(map: ReadonlyMap<number, unknown>): number | undefined {
  const [key] = map.keys()
  return key
}
