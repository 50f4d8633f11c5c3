/** Numbers of one channel's newest entries that are looked at, a bit each. More: of more messages it is known. */
const WINDOW = 32_768

/** Of a channel's newest entries which are messages that are not complete, in 4 KB at most. */
export class OpenMessages {
  /** Of the number modulo `WINDOW`. */
  #bits: Uint8Array | undefined
  /** Nothing is known of what is up to there. */
  #since = Number.POSITIVE_INFINITY
  #newest = 0

  /** An entry came: `isOpen` for a message that agents may have to deal with. False where it had come before. */
  add(seq: number, isOpen: boolean): boolean {
    if (seq <= this.#newest) return false
    // The first, and one behind others that never came.
    if (seq !== this.#newest + 1 || this.#since > seq) this.#since = seq - 1
    this.#since = Math.max(this.#since, seq - WINDOW)
    this.#newest = seq
    this.#set(seq, isOpen)
    return true
  }

  /** The message is complete: whether it was open, undefined where nothing is known of it. */
  close(seq: number): boolean | undefined {
    if (seq <= this.#since || seq > this.#newest) return undefined
    const isOpen = this.#has(seq)
    this.#set(seq, false)
    return isOpen
  }

  #has(seq: number): boolean {
    const { byte, bit } = placeOf(seq)
    return ((this.#bits?.[byte] ?? 0) & bit) !== 0
  }

  #set(seq: number, isOpen: boolean): void {
    const { byte, bit } = placeOf(seq)
    if (isOpen) this.#bits ??= new Uint8Array(WINDOW / 8)
    if (this.#bits === undefined) return
    const before = this.#bits[byte] ?? 0
    this.#bits[byte] = isOpen ? before | bit : before & ~bit
  }
}

function placeOf(seq: number): { readonly byte: number; readonly bit: number } {
  const index = seq % WINDOW
  return { byte: Math.floor(index / 8), bit: 2 ** (index % 8) }
}
