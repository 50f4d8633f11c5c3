import type { Clock } from './clock.ts'
import { Histogram } from './histogram.ts'
import type { Totals, Window } from './plan.ts'

type Counts = Pick<
  Window,
  'sent' | 'acks' | 'deliveries' | 'expectedDeliveries' | 'refusals' | 'lostConnections'
>

/** What all connections of one generator count together, for the current window and in all. */
export class Tally {
  readonly clock: Clock
  readonly ackLatency = new Histogram()
  readonly deliveryLag = new Histogram()
  sent = 0
  acks = 0
  deliveries = 0
  expectedDeliveries = 0
  refusals = 0
  lostConnections = 0
  lastAckAtMs = 0
  lastDeliveryAtMs = 0
  firstLoss: string | undefined
  #before: Counts = {
    sent: 0,
    acks: 0,
    deliveries: 0,
    expectedDeliveries: 0,
    refusals: 0,
    lostConnections: 0,
  }
  #markedAtMs: number
  #cpu = process.cpuUsage()

  constructor(clock: Clock) {
    this.clock = clock
    this.#markedAtMs = clock()
  }

  /** Closes the window and opens the next. */
  mark(): Window {
    const { sent, acks, deliveries, expectedDeliveries, refusals, lostConnections } = this
    const now = this.clock()
    const cpu = process.cpuUsage(this.#cpu)
    const window = {
      durationMs: now - this.#markedAtMs,
      sent: sent - this.#before.sent,
      acks: acks - this.#before.acks,
      deliveries: deliveries - this.#before.deliveries,
      expectedDeliveries: expectedDeliveries - this.#before.expectedDeliveries,
      refusals: refusals - this.#before.refusals,
      lostConnections: lostConnections - this.#before.lostConnections,
      ackCounts: this.ackLatency.counts.slice(),
      lagCounts: this.deliveryLag.counts.slice(),
      cpuMs: (cpu.user + cpu.system) / 1_000,
    }
    this.#before = { sent, acks, deliveries, expectedDeliveries, refusals, lostConnections }
    this.#markedAtMs = now
    this.#cpu = process.cpuUsage()
    this.ackLatency.clear()
    this.deliveryLag.clear()
    return window
  }

  totals(): Totals {
    return {
      sent: this.sent,
      acks: this.acks,
      deliveries: this.deliveries,
      refusals: this.refusals,
      lostConnections: this.lostConnections,
      lastAckAtMs: this.lastAckAtMs,
      lastDeliveryAtMs: this.lastDeliveryAtMs,
      expectedDeliveries: this.expectedDeliveries,
      ...(this.firstLoss !== undefined && { firstLoss: this.firstLoss }),
    }
  }
}
