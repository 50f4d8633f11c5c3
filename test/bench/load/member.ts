import { randomUUID } from 'node:crypto'
import { RawConnection } from './connection.ts'
import type { ConnectionEvents, Place } from './connection.ts'
import { Conversation } from './conversation.ts'
import type { Histogram } from './histogram.ts'
import { MessageFrames, acknowledgedNumber, sentAtMs } from './message-frames.ts'
import type { ConnectionPlan, Position, TurnPlan } from './plan.ts'
import { chunkTimes } from './stamps.ts'
import type { Tally } from './tally.ts'

/** How a member goes on by itself after each acknowledgement. */
export interface Going {
  readonly inFlight: number
  /** Messages after which it stops. */
  readonly most: number
}

/** One connection of the load with what it has sent, counting into the generator's tally. */
export class Member implements ConnectionEvents {
  readonly plan: ConnectionPlan
  sampleEvery = Number.POSITIVE_INFINITY
  readonly #tally: Tally
  readonly #connection: RawConnection
  readonly #frames: MessageFrames
  /** Unacknowledged messages, by number: when each was sent. */
  readonly #sentAt = new Map<number, number>()
  #going: Going | undefined
  #conversation: Conversation | undefined
  #isReplyOwed = false
  #chunkLag: Histogram | undefined
  #number = 0
  #toWrite: Buffer[] = []
  #untilSample = 1
  #deliveries = 0

  constructor(plan: ConnectionPlan, place: Place, tally: Tally) {
    this.plan = plan
    this.#tally = tally
    this.#frames = new MessageFrames({
      entityId: plan.entityId,
      channelId: plan.channelId ?? '',
      messageIdBase: randomUUID(),
    })
    this.#connection = new RawConnection(plan, place, this)
  }

  /** Whether nothing is unacknowledged, and nothing unanswered that is waited for. */
  get isAnswered(): boolean {
    return this.#sentAt.size === 0 && !this.#isReplyOwed
  }

  get isDone(): boolean {
    const isSpent = this.#going === undefined || this.#number >= this.#going.most
    return isSpent && this.#sentAt.size === 0
  }

  established(): Promise<void> {
    return this.#connection.established()
  }

  join(): Promise<Position | undefined> {
    return this.#connection.join()
  }

  /** Keeps `inFlight` messages unacknowledged from now on. */
  go(going: Going): void {
    this.#going = { ...going, most: this.#number + going.most }
    this.#refill()
    this.#flush()
  }

  /** Has a conversation from now on. */
  converse(plan: TurnPlan): void {
    this.#conversation = new Conversation(plan, () => {
      this.#isReplyOwed = plan.awaits === 'reply'
      this.sendOne()
    })
    this.#conversation.begin()
  }

  halt(): void {
    this.#going = undefined
    this.#conversation?.end()
  }

  sendOne(): void {
    this.#queueOne()
    this.#flush()
  }

  destroy(): void {
    this.#connection.destroy()
  }

  onDelivery(bytes: Buffer, start: number, end: number): void {
    this.#deliveries += 1
    if (this.#conversation?.awaits === 'reply' && !this.#frames.isOwn(bytes, start)) {
      this.#onReply(sentAtMs(bytes, start, end))
      return
    }
    this.#untilSample -= 1
    if (this.#untilSample > 0) return
    this.#untilSample = this.sampleEvery
    const at = sentAtMs(bytes, start, end)
    if (!Number.isNaN(at)) this.#tally.deliveryLag.recordMs(this.#tally.clock() - at)
  }

  onAck(bytes: Buffer, start: number, end: number): void {
    const number = acknowledgedNumber(bytes, start, end)
    const at = this.#sentAt.get(number)
    if (at === undefined) return
    const tally = this.#tally
    this.#sentAt.delete(number)
    tally.lastAckAtMs = tally.clock()
    tally.ackLatency.recordMs(tally.lastAckAtMs - at)
    tally.acks += 1
    tally.expectedDeliveries += this.plan.memberCount
    if (this.#conversation?.awaits === 'ack') this.#conversation.goOn()
    this.#refill()
  }

  onRefusal(bytes: Buffer, start: number, end: number): void {
    this.#tally.refusals += 1
    this.#sentAt.delete(acknowledgedNumber(bytes, start, end))
    this.#isReplyOwed = false
    this.#conversation?.goOn()
    this.#refill()
  }

  onChunk(bytes: Buffer, start: number, end: number): void {
    const now = this.#tally.clock()
    this.#chunkLag ??= this.#tally.openChunkLag()
    for (const at of chunkTimes(bytes, start, end)) this.#chunkLag.recordMs(now - at)
  }

  onBrokenStream(): void {
    this.#tally.brokenStreams += 1
  }

  onRead(): void {
    if (this.#deliveries > 0) {
      this.#tally.deliveries += this.#deliveries
      this.#tally.lastDeliveryAtMs = this.#tally.clock()
      this.#deliveries = 0
    }
    this.#flush()
  }

  onLost(reason: string): void {
    this.#tally.lostConnections += 1
    this.#tally.firstLoss ??= reason
    this.halt()
    this.#isReplyOwed = false
    this.#sentAt.clear()
  }

  #onReply(at: number): void {
    this.#tally.turns += 1
    this.#tally.turnTimes.recordMs(this.#tally.clock() - at)
    if (!this.#isReplyOwed) return
    this.#isReplyOwed = false
    this.#conversation?.goOn()
  }

  #refill(): void {
    const going = this.#going
    if (going === undefined) return
    while (this.#sentAt.size < going.inFlight && this.#number < going.most) this.#queueOne()
  }

  #queueOne(): void {
    const now = this.#tally.clock()
    this.#number += 1
    this.#tally.sent += 1
    this.#sentAt.set(this.#number, now)
    this.#toWrite.push(this.#frames.frame(this.#number, now))
  }

  /** What one read has made room for leaves in one write, as from a client that answers in one turn. */
  #flush(): void {
    const [first, ...others] = this.#toWrite
    if (first === undefined) return
    this.#toWrite = []
    this.#connection.write(others.length === 0 ? first : Buffer.concat([first, ...others]))
  }
}
