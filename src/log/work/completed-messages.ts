/** Of all channels; past it the oldest are forgotten. More: of more messages it is known that they are not to be completed again. */
const MAX_COMPLETED = 20_000
/** Of one channel that are told to who is back: as many as it looks out for. */
const MAX_TOLD = 256

/** Messages that are complete, as far as that is remembered. */
export class CompletedMessages {
  /** Their channels, oldest first. */
  readonly #channels = new Map<string, string>()
  readonly #byChannel = new Map<string, Set<string>>()

  add(messageId: string, channelId: string): void {
    this.#channels.set(messageId, channelId)
    const known = this.#byChannel.get(channelId)
    if (known === undefined) this.#byChannel.set(channelId, new Set([messageId]))
    else known.add(messageId)
    if (this.#channels.size > MAX_COMPLETED) this.#dropOldest()
  }

  has(messageId: string): boolean {
    return this.#channels.has(messageId)
  }

  /** The newest of a channel. */
  in(channelId: string): readonly string[] {
    return [...(this.#byChannel.get(channelId) ?? [])].slice(-MAX_TOLD)
  }

  #dropOldest(): void {
    const [oldest] = this.#channels
    if (oldest === undefined) return
    const [messageId, channelId] = oldest
    this.#channels.delete(messageId)
    const known = this.#byChannel.get(channelId)
    known?.delete(messageId)
    if (known?.size === 0) this.#byChannel.delete(channelId)
  }
}
