import { endsInHalf, wellFormed } from '../../util/well-formed.ts'

/** A part of a stream's text that has not been shown. */
export interface Piece {
  /** Pieces and UTF-16 code units before this one. */
  readonly index: number
  readonly offset: number
  readonly chunk: string
}

/**
 * UTF-16 code units of one piece. More: a burst takes fewer turns of the event loop; less: others' frames wait
 * less for it.
 */
const MAX_PIECE_CHARS = 65_536

/** UTF-8 bytes of what stands in place of half a pair. */
const HALF_BYTES = 3

/**
 * The text of a stream that is written, and how much of it was shown.
 *
 * Invariant: the pieces that were taken and what waits are together `text`. Half a surrogate pair at the end of a
 * write waits for its other half: what is shown is what is stored.
 */
export class StreamText {
  readonly #maxBytes: number
  #text = ''
  #half = ''
  #byteCount = 0
  #waiting = ''
  #index = 0
  #offset = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** All of it, without half a pair that waits. */
  get text(): string {
    return this.#text
  }

  /** Whether something was not taken. */
  get isWaiting(): boolean {
    return this.#waiting !== ''
  }

  /** @throws TypeError when the whole would be larger than a message may be; then nothing of this is added. */
  add(text: string): void {
    const joined = this.#half + text
    const half = endsInHalf(joined) ? joined.slice(-1) : ''
    const whole = wellFormed(half === '' ? joined : joined.slice(0, -1))
    const byteCount = this.#byteCount + Buffer.byteLength(whole)
    if (byteCount + half.length * HALF_BYTES > this.#maxBytes) {
      throw new TypeError(
        `stream: the text is too large: a message has at most ${this.#maxBytes} bytes`,
      )
    }
    this.#half = half
    this.#byteCount = byteCount
    this.#text += whole
    this.#waiting += whole
  }

  /** Nothing more comes: half a pair is none. */
  close(): void {
    const half = wellFormed(this.#half)
    this.#half = ''
    this.#text += half
    this.#waiting += half
  }

  /** The next piece that was not taken. */
  take(): Piece | undefined {
    if (!this.isWaiting) return undefined
    const cut = this.#waiting.slice(0, MAX_PIECE_CHARS)
    const chunk = cut.length < this.#waiting.length && endsInHalf(cut) ? cut.slice(0, -1) : cut
    const piece = { index: this.#index, offset: this.#offset, chunk }
    this.#waiting = this.#waiting.slice(chunk.length)
    this.#index += 1
    this.#offset += chunk.length
    return piece
  }
}
