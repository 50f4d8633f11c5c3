import type { Clock } from './clock.ts'
import { Histogram } from './histogram.ts'
import type { Totals, Window } from './plan.ts'

type Counts = Pick<
  Window,
  | 'sent'
  | 'acks'
  | 'deliveries'
  | 'expectedDeliveries'
  | 'refusals'
  | 'lostConnections'
  | 'turns'
  | 'brokenStreams'
>

const NOTHING: Counts = {
  sent: 0,
  acks: 0,
  deliveries: 0,
  expectedDeliveries: 0,
  refusals: 0,
  lostConnections: 0,
  turns: 0,
  brokenStreams: 0,
}

function since(now: Counts, before: Counts): Counts {
  return {
    sent: now.sent - before.sent,
    acks: now.acks - before.acks,
    deliveries: now.deliveries - before.deliveries,
    expectedDeliveries: now.expectedDeliveries - before.expectedDeliveries,
    refusals: now.refusals - before.refusals,
    lostConnections: now.lostConnections - before.lostConnections,
    turns: now.turns - before.turns,
    brokenStreams: now.brokenStreams - before.brokenStreams,
  }
}

/** What was counted, which is then counted anew. */
function taken(histogram: Histogram): Uint32Array {
  const counts = histogram.counts.slice()
  histogram.clear()
  return counts
}

/** What all connections of one generator count together, for the current window and in all. */
export class Tally {
  readonly clock: Clock
  readonly ackLatency = new Histogram()
  readonly deliveryLag = new Histogram()
  readonly turnTimes = new Histogram()
  /** One for each connection that reads streams: the slowest reader is to be known. */
  readonly #chunkLags: Histogram[] = []
  sent = 0
  acks = 0
  deliveries = 0
  expectedDeliveries = 0
  refusals = 0
  lostConnections = 0
  turns = 0
  brokenStreams = 0
  lastAckAtMs = 0
  lastDeliveryAtMs = 0
  firstLoss: string | undefined
  #before = NOTHING
  #markedAtMs: number
  #cpu = process.cpuUsage()

  constructor(clock: Clock) {
    this.clock = clock
    this.#markedAtMs = clock()
  }

  /** Where one more connection counts how late the chunks of its stream come. */
  openChunkLag(): Histogram {
    const lag = new Histogram()
    this.#chunkLags.push(lag)
    return lag
  }

  /** Closes the window and opens the next. */
  mark(): Window {
    const now = this.clock()
    const cpu = process.cpuUsage(this.#cpu)
    const counts = this.#counts()
    const window = {
      ...since(counts, this.#before),
      ...this.#takeChunkLags(),
      durationMs: now - this.#markedAtMs,
      ackCounts: taken(this.ackLatency),
      lagCounts: taken(this.deliveryLag),
      turnCounts: taken(this.turnTimes),
      cpuMs: (cpu.user + cpu.system) / 1_000,
    }
    this.#before = counts
    this.#markedAtMs = now
    this.#cpu = process.cpuUsage()
    return window
  }

  totals(): Totals {
    return {
      sent: this.sent,
      acks: this.acks,
      deliveries: this.deliveries,
      refusals: this.refusals,
      turns: this.turns,
      lostConnections: this.lostConnections,
      lastAckAtMs: this.lastAckAtMs,
      lastDeliveryAtMs: this.lastDeliveryAtMs,
      expectedDeliveries: this.expectedDeliveries,
      ...(this.firstLoss !== undefined && { firstLoss: this.firstLoss }),
    }
  }
  #counts(): Counts {
    const { sent, acks, deliveries, expectedDeliveries, refusals, lostConnections } = this
    const { turns, brokenStreams } = this
    return {
      sent,
      acks,
      deliveries,
      expectedDeliveries,
      refusals,
      lostConnections,
      turns,
      brokenStreams,
    }
  }

  #takeChunkLags(): Pick<Window, 'chunkCounts' | 'worstChunkP99Ms'> {
    const all = new Histogram()
    const p99sMs: number[] = []
    for (const lag of this.#chunkLags) {
      // One whose stream is over has nothing to say.
      if (lag.total > 0) p99sMs.push(lag.percentileMs(0.99))
      all.add(lag)
      lag.clear()
    }
    const worstChunkP99Ms = p99sMs.length === 0 ? Number.NaN : Math.max(...p99sMs)
    return { chunkCounts: all.counts, worstChunkP99Ms }
  }
}
