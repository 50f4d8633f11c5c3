import { randomUUID } from 'node:crypto'
import { RawConnection } from './connection.ts'
import type { ConnectionEvents, Place } from './connection.ts'
import { MessageFrames, acknowledgedNumber, sentAtMs } from './message-frames.ts'
import type { ConnectionPlan, Position } from './plan.ts'
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

  get inFlight(): number {
    return this.#sentAt.size
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

  halt(): void {
    this.#going = undefined
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
    this.#refill()
  }

  onRefusal(bytes: Buffer, start: number, end: number): void {
    this.#tally.refusals += 1
    this.#sentAt.delete(acknowledgedNumber(bytes, start, end))
    this.#refill()
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
    this.#going = undefined
    this.#sentAt.clear()
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
