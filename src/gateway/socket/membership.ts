import type { Entry, Ephemeral } from '../../protocol/model.ts'
import { CLOSE_CODES } from '../../protocol/close-codes.ts'
import type { Follower, LiveBatch } from '../../service/live.ts'
import { ackPayload, ownPackets, withAck } from './encode.ts'
import type { Encoder } from './encoder.ts'
import type { Outbox } from './outbox.ts'
import type { OwnMessage } from './own-message.ts'
import { SharedPackets } from './shared-packets.ts'

/** What a membership needs of its connection. */
interface Holder {
  readonly outbox: Outbox
  /** The connection's messages that are not acknowledged yet, by id. */
  readonly own: Map<string, OwnMessage>
}

/** One entry on its way to one connection. */
interface Personal {
  /** What everybody gets for it. */
  readonly shared: readonly string[]
  readonly isReplay: boolean
  /** Takes what is to happen once it was sent. */
  readonly released: (() => void)[]
}

/** One connection in one channel: turns entries into what this connection is to see. */
export class Membership implements Follower {
  /** Who the connection is in this channel: what it joined as, else its handshake's entity. */
  readonly entityId: string | undefined
  /** Entries above this number come through this membership; undefined until the join is answered. */
  deliversAfter: number | undefined
  readonly #holder: Holder
  readonly #encoder: Encoder

  constructor(holder: Holder, entityId: string | undefined, encoder: Encoder) {
    this.#holder = holder
    this.entityId = entityId
    this.#encoder = encoder
  }

  onEntries(batch: LiveBatch): void {
    const { outbox } = this.#holder
    if (!this.#hasOwn(batch.entries)) {
      outbox.send(this.#encoder.entries(batch))
      return
    }
    const { packets, released } = this.#personal(batch)
    outbox.send(packets)
    for (const acknowledge of released) acknowledge()
  }

  async catchUp(batch: LiveBatch): Promise<void> {
    const { packets, released } = this.#personal(batch)
    await this.#holder.outbox.sendPaced(packets)
    for (const acknowledge of released) acknowledge()
  }

  onEphemeral(frame: Ephemeral): void {
    this.#holder.outbox.send(this.#encoder.ephemeral(frame))
  }

  onInterrupted(): void {
    this.#holder.outbox.close(
      CLOSE_CODES.REPLAY_INTERRUPTED,
      'replay interrupted: reconnect and resume',
    )
  }

  #hasOwn(entries: readonly Entry[]): boolean {
    const { own } = this.#holder
    if (own.size === 0) return false
    return entries.some((entry) => entry.kind === 'posted' && own.has(entry.message?.id ?? ''))
  }

  #personal(batch: LiveBatch): {
    readonly packets: SharedPackets
    readonly released: readonly (() => void)[]
  } {
    const released: (() => void)[] = []
    const packets: string[] = []
    for (const [index, entry] of batch.entries.entries()) {
      const shared = this.#encoder.packets(batch, index)
      packets.push(...this.#packets(entry, { shared, released, isReplay: batch.isReplay }))
    }
    return { packets: new SharedPackets(packets), released }
  }

  /**
   * The acknowledgement of a message travels in the same write as the sender's copy of it, so that a
   * client never learns of one without the other.
   */
  #packets(entry: Entry, { shared, isReplay, released }: Personal): readonly string[] {
    if (entry.kind !== 'posted' || entry.message === null) return shared
    const { message } = entry
    const own = this.#take(message.id)
    if (own === undefined) {
      const isOwnReplay = isReplay && this.entityId === message.authorId
      return isOwnReplay ? ownPackets(shared, message.clientMessageId) : shared
    }
    const ack = ackPayload(message, own.clientMessageId)
    released.push(() => {
      own.acknowledge(ack)
    })
    return withAck(ownPackets(shared, message.clientMessageId), ack)
  }

  #take(messageId: string): OwnMessage | undefined {
    const { own } = this.#holder
    const message = own.get(messageId)
    own.delete(messageId)
    return message
  }
}
