/** What one connection was told of messages being complete, in one room. */
export class HeardCompletions {
  /** Told in all. */
  count = 0
  /** Messages that this connection was to be told of for certain. */
  dueCount = 0
  readonly #report: (what: string) => void
  readonly #stopped: ReadonlySet<string>
  /** Of this connection. */
  readonly #told = new Set<string>()
  /** What came while it was live in the room, since it joined last, and waits; people's messages and all. */
  readonly #questions = new Set<string>()
  readonly #others = new Set<string>()
  #isLive = false

  /** @param stopped questions that somebody wanted stopped: those are complete ahead of their turn. */
  constructor(report: (what: string) => void, stopped: ReadonlySet<string>) {
    this.#report = report
    this.#stopped = stopped
  }

  joined(): void {
    this.#isLive = true
  }

  /** What comes from here on may be a replay, or nothing. */
  paused(): void {
    this.#isLive = false
    this.#questions.clear()
    this.#others.clear()
  }

  lost(): void {
    this.paused()
    this.#told.clear()
  }

  posted(messageId: string, isQuestion: boolean): void {
    if (!this.#isLive) return
    if (this.#told.has(messageId))
      this.#report(`was told that ${messageId} is complete ahead of it`)
    else if (isQuestion) this.#questions.add(messageId)
    else this.#others.add(messageId)
  }

  /** Agents need not come to what is erased: it may be complete behind what came later. */
  erased(messageId: string): void {
    if (this.#questions.delete(messageId)) this.#others.add(messageId)
  }

  /** Everything that was said is erased. */
  cleared(): void {
    for (const messageId of this.#questions) this.erased(messageId)
  }

  completed(messageId: string): void {
    this.count += 1
    if (this.#told.has(messageId)) this.#report(`was told twice that ${messageId} is complete`)
    this.#told.add(messageId)
    this.#others.delete(messageId)
    if (!this.#questions.has(messageId)) return
    if (this.#stopped.has(messageId)) {
      this.#questions.delete(messageId)
      this.dueCount += 1
      return
    }
    // All agents are through with it in their order, so they are with what came before it.
    for (const earlier of this.#questions) {
      this.#questions.delete(earlier)
      this.dueCount += 1
      if (earlier === messageId) return
      this.#report(`was told that ${messageId} is complete, and not that ${earlier}, before it, is`)
    }
  }

  /** Everything has come to rest. */
  finish(): void {
    for (const messageId of [...this.#questions, ...this.#others]) {
      this.dueCount += 1
      this.#report(`was never told that ${messageId} is complete`)
    }
  }

  /** Whether something is still to come, if this is the end. */
  get isWaiting(): boolean {
    return this.#questions.size + this.#others.size > 0
  }
}
