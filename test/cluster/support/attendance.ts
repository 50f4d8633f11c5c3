import type { Recorded } from './journal.ts'

type Of<What extends Recorded['what']> = Recorded & { readonly what: What }
type Coming = Of<'joining' | 'joined' | 'leaving' | 'left' | 'disconnected'>

/** Whether a client is in a channel, and which of its own messages may reach it beside the channel's order. */
export class Attendance {
  /** From asking to leave until asking to join: what comes meanwhile is not the channel's. */
  isOutside = false
  /** The leave was confirmed, or the connection is gone: nothing of the channel may come any more. */
  hasLeft = false
  /** The join that waits for its answer. */
  asked: Of<'joining'> | undefined
  /**
   * The `since` of a join on a connection that was in the channel: until that join is reached, what
   * was on its way still comes; then delivery starts behind this number, once.
   */
  restartsAfter: number | undefined
  readonly #unacknowledged = new Set<string>()
  readonly #loose = new Set<string>()
  #isConnected = false

  sent({ clientMessageId }: Of<'sent'>): void {
    this.#unacknowledged.add(clientMessageId)
    if (this.isOutside) this.#loose.add(clientMessageId)
  }

  acked({ clientMessageId }: Of<'acked'>): void {
    this.#unacknowledged.delete(clientMessageId)
  }

  /**
   * A message that was under way while its sender was outside, or was on its way in, is shown to the
   * sender with its acknowledgement, wherever it lies in the channel (it may lie before the position
   * that the join is answered with), and again by a join with `since` a number before it.
   */
  isLoose(clientMessageId: string | undefined): boolean {
    return clientMessageId !== undefined && this.#loose.has(clientMessageId)
  }

  note(record: Coming): void {
    switch (record.what) {
      case 'joining':
        this.restartsAfter = this.#isConnected && !this.hasLeft ? record.since : undefined
        this.asked = record
        this.isOutside = false
        this.hasLeft = false
        this.#isConnected = true
        break
      case 'joined':
        if (this.asked !== undefined && this.asked.since === undefined) this.#loosen()
        this.asked = undefined
        break
      case 'leaving':
        this.asked = undefined
        this.isOutside = true
        this.hasLeft = !this.#isConnected
        this.#loosen()
        break
      case 'left':
        this.hasLeft = this.isOutside
        break
      case 'disconnected':
        this.#isConnected = false
        this.hasLeft = this.isOutside
        this.asked = undefined
        this.restartsAfter = undefined
        break
    }
  }

  #loosen(): void {
    for (const clientMessageId of this.#unacknowledged) this.#loose.add(clientMessageId)
  }
}
