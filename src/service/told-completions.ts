/**
 * Messages of one channel of which it is remembered that they are complete. A writer that dies right behind
 * telling so is followed by one that tells it again: of those that were in the air then nobody is told twice.
 */
const MAX_REMEMBERED = 256

/** Which messages' completion followers were told, the last 256 of them. */
export class ToldCompletions {
  readonly #messageIds = new Set<string>()

  /** True when it was not told before; from here on it was. */
  take(messageId: string): boolean {
    if (this.#messageIds.has(messageId)) return false
    this.#messageIds.add(messageId)
    if (this.#messageIds.size > MAX_REMEMBERED) {
      const [oldest = ''] = this.#messageIds
      this.#messageIds.delete(oldest)
    }
    return true
  }
}
