import type { Entry, Ephemeral } from '../protocol/model.ts'
import type { LogEngine } from './engine.ts'
import type { FeedConsumer } from './log.ts'

/** A consumer that may also learn when a batch is complete: all its entries and answers are out. */
export interface CoreConsumer extends FeedConsumer {
  onBatchEnd?(): void
}

/** A consumer's hold on the core. */
export interface Attachment {
  /** Answers the position after which delivery continues. */
  follow(channelId: string): number
  unfollow(channelId: string): void
  detach(): void
}

/** What followers get of one batch, in order: runs of one channel's entries, and frames between them. */
export type Delivery = { readonly channelId: string; readonly entries: Entry[] } | Ephemeral

/** A consumer with its positions: what it has, per channel, so that nothing reaches it twice. */
export class CoreAttachment implements Attachment {
  readonly consumer: CoreConsumer
  readonly #engine: LogEngine
  readonly #onDetach: (attachment: CoreAttachment) => void
  readonly #positions = new Map<string, number>()

  constructor(
    engine: LogEngine,
    consumer: CoreConsumer,
    onDetach: (attachment: CoreAttachment) => void,
  ) {
    this.#engine = engine
    this.consumer = consumer
    this.#onDetach = onDetach
  }

  follow(channelId: string): number {
    const position = this.#engine.head(channelId)
    this.#positions.set(channelId, position)
    return position
  }

  unfollow(channelId: string): void {
    this.#positions.delete(channelId)
  }

  detach(): void {
    this.#positions.clear()
    this.#onDetach(this)
  }

  deliver(delivery: Delivery): void {
    const position = this.#positions.get(delivery.channelId)
    if (position === undefined) return
    if (!('entries' in delivery)) {
      this.consumer.onEphemeral(delivery)
      return
    }
    // A follow from within a delivery of the same batch was answered with the batch included.
    const news = delivery.entries.filter(({ seq }) => seq > position)
    const last = news.at(-1)
    if (last === undefined) return
    this.#positions.set(delivery.channelId, last.seq)
    this.consumer.onEntries(delivery.channelId, news)
  }
}
