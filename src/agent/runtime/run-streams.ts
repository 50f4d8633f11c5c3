import type { CutState, OutgoingStream } from './outgoing-stream.ts'

/** Streams of one run; past it `ctx.stream` is refused. */
const MAX_STREAMS = 64

/** The streams that one run of a handler has begun. */
export class RunStreams {
  readonly #streams: OutgoingStream[] = []
  #cut: { readonly state: CutState; readonly error: string | undefined } | undefined

  /** Whether something was shown that did not come to its end. */
  get isLeft(): boolean {
    return this.#streams.some(({ isLeft }) => isLeft)
  }

  /** @throws Error when there are as many as may be. */
  add(stream: OutgoingStream): void {
    if (this.#streams.length >= MAX_STREAMS) {
      throw new Error(`stream: a run may have ${MAX_STREAMS} streams`)
    }
    this.#streams.push(stream)
    // Begun behind the end of the work.
    if (this.#cut !== undefined) void stream.cut(this.#cut.state, this.#cut.error)
  }

  has(messageId: string): boolean {
    return this.#streams.some((stream) => stream.messageId === messageId)
  }

  /** Ends those that go on as complete. @throws what keeps one from being stored. */
  async complete(): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream.complete()))
  }

  /** Ends those that go on where they are, and any that comes. Resolves when all that is stored. Never rejects. */
  async cut(state: CutState, error?: string): Promise<void> {
    this.#cut ??= { state, error }
    await Promise.all(this.#streams.map((stream) => stream.cut(state, error)))
  }

  /** The process ends: what is not stored is left to the log. */
  abandon(): void {
    for (const stream of this.#streams) stream.abandon()
  }
}
