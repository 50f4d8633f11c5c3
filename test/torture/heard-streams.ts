type Payload = Readonly<Record<string, unknown>>

interface Shown {
  readonly text: string
  readonly index: number
}

/**
 * The texts of streams as one client saw them in one room: each from its beginning, without gap or overlap, on
 * each way in; the whole text begins with what was shown, and nothing is shown behind it.
 */
export class HeardStreams {
  chunks = 0
  /** Texts that came with a join. */
  lateTexts = 0
  /** Streams of which less is stored than was shown. */
  readonly shortened: string[] = []
  /** Streams of which nothing is stored, as this client was told. */
  readonly lost = new Set<string>()
  /** Every stream of which a chunk came, ever. */
  readonly everShown = new Set<string>()
  readonly #report: (what: string) => void
  readonly #shown = new Map<string, Shown>()
  readonly #ended = new Set<string>()

  constructor(report: (what: string) => void) {
    this.#report = report
  }

  /** What was shown on the way in before this one is over; `isAnew`: also what had come to its end. */
  begin(isAnew: boolean): void {
    this.#shown.clear()
    if (isAnew) this.#ended.clear()
  }

  chunk({ messageId, offset, index, chunk }: Payload, isBehindJoin: boolean): void {
    const id = String(messageId)
    const { text, index: last } = this.#shown.get(id) ?? { text: '', index: -1 }
    this.chunks += 1
    if (isBehindJoin && text === '') this.lateTexts += 1
    this.everShown.add(id)
    if (this.#ended.has(id)) this.#report(`saw a chunk of ${id} behind its end`)
    if (offset !== text.length) {
      this.#report(`saw a chunk of ${id} at ${String(offset)} behind ${text.length} characters`)
    }
    if (typeof chunk !== 'string' || chunk === '') this.#report(`saw an empty chunk of ${id}`)
    if (Number(index) <= last) this.#report(`saw chunk ${String(index)} of ${id} behind ${last}`)
    this.#shown.set(id, { text: text + String(chunk), index: Number(index) })
  }

  /** The message is there. `mayRepeat`: the client is on its way out, and may be shown it again. */
  posted({ id: messageId, text, streamState }: Payload, mayRepeat: boolean): void {
    const id = String(messageId)
    const shown = this.#shown.get(id)?.text
    this.#shown.delete(id)
    if (!mayRepeat) this.#ended.add(id)
    if (shown === undefined || String(text).startsWith(shown)) return
    // Its process and the writer died at once: what was shown behind the last checkpoint is nowhere any more.
    if (streamState === 'interrupted' && shown.startsWith(String(text))) this.shortened.push(id)
    else {
      const facts = [shown, text].map((each) => JSON.stringify(each)).join(', and it is ')
      this.#report(`was shown of ${id} ${facts}`)
    }
  }

  /** It is over, and there is no message. */
  lose({ messageId, partialText }: Payload): void {
    const id = String(messageId)
    const shown = this.#shown.get(id)?.text
    this.#shown.delete(id)
    this.#ended.add(id)
    this.lost.add(id)
    if (shown === partialText) return
    this.#report(
      `was shown ${JSON.stringify(shown)} of ${id}, and lost ${JSON.stringify(partialText)}`,
    )
  }

  /** Streams that go on, as far as was shown. */
  get goingOn(): readonly string[] {
    return [...this.#shown.keys()]
  }
}
