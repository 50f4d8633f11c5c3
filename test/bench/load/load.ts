import { GeneratorProcess } from './generator-process.ts'
import { Histogram } from './histogram.ts'
import type {
  Command,
  ConnectionPlan,
  Opened,
  OpenPlan,
  Results,
  SendPlan,
  Window,
} from './plan.ts'

const COMMAND_TIMEOUT_MS = 15_000
/** Connections that `openAll` makes at the same time, over all generators. */
const GENTLE_CONCURRENCY = 4

/** The windows of all generators as one; its duration is their mean, since they are marked one message apart. */
export interface LoadWindow extends Omit<
  Window,
  'ackCounts' | 'lagCounts' | 'turnCounts' | 'chunkCounts' | 'cpuMs'
> {
  readonly ackLatency: Histogram
  readonly deliveryLag: Histogram
  readonly turnTimes: Histogram
  readonly chunkLag: Histogram
  /** CPU of the busiest generator as a share of one core. */
  readonly busiestGenerator: number
  /** CPU of all generators together, in cores. */
  readonly generatorCores: number
}

export interface LoadTotals {
  readonly acks: number
  readonly deliveries: number
  readonly expectedDeliveries: number
  readonly unacknowledged: number
  /** Messages that nobody answered: all of them, where no answers are waited for. */
  readonly unanswered: number
  readonly lostConnections: number
  readonly firstLoss: string | undefined
  /** How long after the last acknowledgement the last delivery came; 0 when it was not later. */
  readonly trailingMs: number
}

export interface LoadOpened {
  readonly openedCount: number
  readonly failedCount: number
  readonly repeatedCount: number
  readonly firstFailure: string | undefined
  /** From the first connect until the last one that succeeded was open. */
  readonly durationMs: number
  readonly connectTimes: Histogram
  readonly joinTimes: Histogram
  readonly positions: Opened['positions']
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

function merged(counts: readonly Uint32Array[]): Histogram {
  const all = new Histogram()
  for (const one of counts) all.add(new Histogram(one))
  return all
}

/** The load of one measurement: connections spread over generator processes of their own. */
export class Load implements AsyncDisposable {
  readonly #generators: readonly GeneratorProcess[]

  constructor(generatorCount: number) {
    this.#generators = Array.from({ length: generatorCount }, () => new GeneratorProcess())
  }

  /** Opens the connections, dealt to the generators in turn. */
  async open(plan: OpenPlan): Promise<LoadOpened> {
    const share = this.#generators.length
    const all = await Promise.all(
      this.#generators.map((generator, index) => {
        const connections = plan.connections.filter((_, at) => at % share === index)
        const own = { ...plan, connections, concurrency: Math.ceil(plan.concurrency / share) }
        return generator.request({ do: 'open', plan: own }, plan.timeoutMs + COMMAND_TIMEOUT_MS)
      }),
    )
    return {
      openedCount: sum(all.map(({ openedCount }) => openedCount)),
      failedCount: sum(all.map(({ failedCount }) => failedCount)),
      repeatedCount: sum(all.map(({ repeatedCount }) => repeatedCount)),
      firstFailure: all.find(({ firstFailure }) => firstFailure !== undefined)?.firstFailure,
      durationMs: Math.max(...all.map(({ durationMs }) => durationMs)),
      connectTimes: merged(all.map(({ connectCounts }) => connectCounts)),
      joinTimes: merged(all.map(({ joinCounts }) => joinCounts)),
      positions: Object.assign({}, ...all.map(({ positions }) => positions)),
    }
  }

  /**
   * As `open`, but gently and stubbornly; whoever cannot be connected fails the measurement.
   *
   * Both are for the peer's sake. Its sticky sessions count a connection only when its session has begun:
   * many at the same moment all go to one process, and it alone would be measured. And its first process
   * may read, and lose, what a client sends while the socket is on its way to another process (seen for
   * up to 4 % of the connections on a busy machine): such a client hears nothing and connects again.
   */
  async openAll(port: number, connections: readonly ConnectionPlan[]): Promise<LoadOpened> {
    const plan: OpenPlan = {
      port,
      connections,
      concurrency: GENTLE_CONCURRENCY,
      patienceMs: 1_500,
      attempts: 10,
      timeoutMs: 90_000,
    }
    const opened = await this.open(plan)
    if (opened.failedCount === 0) return opened
    throw new Error(`${opened.failedCount} connections failed to open: ${opened.firstFailure}`)
  }

  /** A paced plan's rate is that of all generators together. */
  async send(plan: SendPlan): Promise<void> {
    const { pace } = plan
    const own =
      pace.kind === 'paced'
        ? { ...pace, perSecond: pace.perSecond / this.#generators.length }
        : pace
    await this.#all({ do: 'send', plan: { ...plan, pace: own } })
  }

  /** Whether a burst was acknowledged completely within the time. */
  async finished(timeoutMs: number): Promise<boolean> {
    const all = await this.#all({ do: 'finished', timeoutMs }, timeoutMs + COMMAND_TIMEOUT_MS)
    return all.every(Boolean)
  }

  /** What happened since the mark before; begins the next window. */
  async mark(): Promise<LoadWindow> {
    const all = await this.#all({ do: 'mark' })
    const shares = all.map(({ cpuMs, durationMs }) => cpuMs / durationMs)
    return {
      durationMs: sum(all.map(({ durationMs }) => durationMs)) / all.length,
      sent: sum(all.map(({ sent }) => sent)),
      acks: sum(all.map(({ acks }) => acks)),
      deliveries: sum(all.map(({ deliveries }) => deliveries)),
      expectedDeliveries: sum(all.map(({ expectedDeliveries }) => expectedDeliveries)),
      refusals: sum(all.map(({ refusals }) => refusals)),
      lostConnections: sum(all.map(({ lostConnections }) => lostConnections)),
      turns: sum(all.map(({ turns }) => turns)),
      brokenStreams: sum(all.map(({ brokenStreams }) => brokenStreams)),
      worstChunkP99Ms: Math.max(...all.map(({ worstChunkP99Ms }) => worstChunkP99Ms)),
      ackLatency: merged(all.map(({ ackCounts }) => ackCounts)),
      deliveryLag: merged(all.map(({ lagCounts }) => lagCounts)),
      turnTimes: merged(all.map(({ turnCounts }) => turnCounts)),
      chunkLag: merged(all.map(({ chunkCounts }) => chunkCounts)),
      busiestGenerator: Math.max(...shares),
      generatorCores: sum(shares),
    }
  }

  /** Sends nothing more and waits a bounded time for what is unacknowledged or unanswered. */
  async stop(): Promise<void> {
    await this.#all({ do: 'stop' })
  }

  async totals(): Promise<LoadTotals> {
    const all = await this.#all({ do: 'totals' })
    const lastAckAtMs = Math.max(...all.map((one) => one.lastAckAtMs))
    const lastDeliveryAtMs = Math.max(...all.map((one) => one.lastDeliveryAtMs))
    const acks = sum(all.map((one) => one.acks))
    const refusals = sum(all.map((one) => one.refusals))
    const sent = sum(all.map((one) => one.sent))
    return {
      acks,
      deliveries: sum(all.map(({ deliveries }) => deliveries)),
      expectedDeliveries: sum(all.map(({ expectedDeliveries }) => expectedDeliveries)),
      unacknowledged: sent - acks - refusals,
      unanswered: sent - refusals - sum(all.map(({ turns }) => turns)),
      lostConnections: sum(all.map(({ lostConnections }) => lostConnections)),
      firstLoss: all.find(({ firstLoss }) => firstLoss !== undefined)?.firstLoss,
      trailingMs: Math.max(0, lastDeliveryAtMs - lastAckAtMs),
    }
  }

  async disconnect(): Promise<void> {
    await this.#all({ do: 'disconnect' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#generators.map((generator) => generator.close()))
  }

  #all<Of extends Command>(
    command: Of,
    timeoutMs: number = COMMAND_TIMEOUT_MS,
  ): Promise<Results[Of['do']][]> {
    return Promise.all(this.#generators.map((one) => one.request(command, timeoutMs)))
  }
}
