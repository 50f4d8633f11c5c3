import type { Entry, Ephemeral, StreamChunk } from '../../protocol/model.ts'
import { CLOSE_CODES } from '../../protocol/close-codes.ts'
import type { Follower, LiveBatch } from '../../service/live.ts'
import { mayEndStay } from '../../service/standing-watch.ts'
import type { StandingWatch } from '../../service/standing-watch.ts'
import { ackPayload, expelledPacket, ownPackets, withAck } from './encode.ts'
import type { Encoder } from './encoder.ts'
import type { Outbox } from './outbox.ts'
import type { OwnMessage } from './own-message.ts'
import { SharedPackets } from './shared-packets.ts'

/** What a membership needs of its connection. */
interface Holder {
  readonly id: string
  readonly outbox: Outbox
  /** The connection's messages that are not acknowledged yet, by id. */
  readonly own: Map<string, OwnMessage>
}

export interface MembershipOptions {
  readonly channelId: string
  readonly holder: Holder
  readonly entityId: string | undefined
  readonly encoder: Encoder
  /** True for a connection that is held to what it takes part in: nobody yet, until `admit`. */
  readonly isRestricted: boolean
  /** Takes the connection out at once: an entry has ended its stay. */
  readonly onExpelled: (membership: Membership) => void
}

/** One entry on its way to one connection. */
interface Personal {
  /** What everybody gets for it. */
  readonly shared: readonly string[]
  readonly isReplay: boolean
  /** Takes what is to happen once it was sent. */
  readonly released: (() => void)[]
}

/**
 * One connection in one channel: turns entries into what this connection is to see.
 *
 * A restricted connection is in the channel until the entry that ends its stay: it gets everything
 * before that entry (of a deletion the entry too), then `channel_left` with its number, and nothing of
 * the channel after it. Being let in again, it is for the client to join again.
 */
export class Membership implements Follower {
  readonly channelId: string
  /** Who the connection is in this channel: what it joined as, else its handshake's entity. */
  readonly entityId: string | undefined
  /** Entries above this number come through this membership; undefined until the join is answered. */
  deliversAfter: number | undefined
  /** Whether the roster counts it. */
  isListed = false
  readonly #holder: Holder
  readonly #encoder: Encoder
  readonly #isRestricted: boolean
  readonly #onExpelled: (membership: Membership) => void
  #watch: StandingWatch | undefined

  constructor(options: MembershipOptions) {
    this.channelId = options.channelId
    this.entityId = options.entityId
    this.#holder = options.holder
    this.#encoder = options.encoder
    this.#isRestricted = options.isRestricted
    this.#onExpelled = options.onExpelled
  }

  /** False while it is not decided yet whether the connection may be here. */
  get isAdmitted(): boolean {
    return !this.#isRestricted || this.#watch !== undefined
  }

  /** The connection may be here as long as the watch says so. */
  admit(watch: StandingWatch): void {
    this.#watch = watch
  }

  onEntries(batch: LiveBatch): void {
    const { outbox } = this.#holder
    outbox.endChunks(batch.entries)
    const end = this.#endStay(batch)
    if (end === undefined && !this.#hasOwn(batch.entries)) {
      outbox.send(this.#encoder.entries(batch))
      return
    }
    const { packets, released } = this.#personal(batch, end)
    outbox.send(packets)
    for (const acknowledge of released) acknowledge()
  }

  async catchUp(batch: LiveBatch): Promise<void> {
    this.#holder.outbox.endChunks(batch.entries)
    const { packets, released } = this.#personal(batch, this.#endStay(batch))
    await this.#holder.outbox.sendPaced(packets)
    for (const acknowledge of released) acknowledge()
  }

  onEphemeral(frame: Ephemeral): void {
    const packets = this.#encoder.ephemeral(frame)
    const { outbox } = this.#holder
    if (frame.kind === 'loss') outbox.endChunksOf(frame.messageId)
    if (frame.kind === 'chunk') outbox.sendChunk(frame, packets)
    else outbox.send(packets)
  }

  catchUpText(text: StreamChunk): Promise<void> {
    return this.#holder.outbox.sendPaced(this.#encoder.ephemeral(text))
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

  /** Ends the stay where an entry of the batch does, and answers its place: what comes later is not for this. */
  #endStay(batch: LiveBatch): number | undefined {
    const watch = this.#watch
    // What is replayed was decided about when it was read.
    if (watch === undefined || batch.isReplay || !this.#encoder.mayEndStay(batch)) return undefined
    const end = batch.entries.findIndex((entry) => mayEndStay(entry) && watch.isEndedBy(entry))
    if (end === -1) return undefined
    this.#onExpelled(this)
    return end
  }

  /** What this connection gets of the batch, up to the place at which its stay ends. */
  #personal(
    batch: LiveBatch,
    end: number | undefined,
  ): {
    readonly packets: SharedPackets
    readonly released: readonly (() => void)[]
  } {
    const released: (() => void)[] = []
    const packets: string[] = []
    for (const [index, entry] of batch.entries.entries()) {
      const isLast = index === end
      // Its own removal shows a channel that is not its own any more.
      if (!isLast || entry.kind === 'removed') {
        const shared = this.#encoder.packets(batch, index)
        packets.push(...this.#packets(entry, { shared, released, isReplay: batch.isReplay }))
      }
      if (!isLast) continue
      packets.push(expelledPacket(this.#holder.id, entry))
      break
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
