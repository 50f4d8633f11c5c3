import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CLOSE_CODES } from '../../../src/protocol/close-codes.ts'
import { eventFrame } from '../load/client-frames.ts'
import { RawConnection } from '../load/connection.ts'
import type { ConnectionEvents } from '../load/connection.ts'
import { Load } from '../load/load.ts'
import type { LoadWindow } from '../load/load.ts'
import type { MeasureOptions, Measurement, Scenario, ServerUnderTest } from '../scenario.ts'
import { startCpuMeter } from '../servers/cpu-meter.ts'
import { median } from '../results.ts'
import { planMembers } from './members.ts'

const STRANGERS = { socketCount: 50, channelCount: 10 }
const MESSAGES_PER_SECOND = 400
const CALM_WINDOWS = 5
const FLOODED_WINDOWS = 10
/** Twice as many as the server hears in a second before it throws a socket out: answers hold nothing up. */
const MAX_UNANSWERED = 40_000
/** In one write. */
const CHUNK_EVENTS = 500
const TEXT_CHARS = 100
/** For one connect. */
const PATIENCE_MS = 1_000
/** Before the next connect, when one has failed. */
const RETRY_MS = 10
const READ_BUFFER_BYTES = 256 * 1024

/** What a flooder has seen so far. */
interface FloodCounts {
  readonly accepted: number
  readonly refused: number
  /** Closed with 4101. */
  readonly thrownOut: number
  /** Other ends than that, connects that failed among them. */
  readonly otherEnds: number
  /** Of the first of these. */
  readonly firstReason: string | undefined
}

/**
 * One socket at a time, of a process that is neither server nor stranger, in a channel of its own: it sends
 * messages as fast as the server takes them, and comes back at once whenever it is thrown out.
 */
class Flooder implements ConnectionEvents, Disposable {
  readonly #port: number
  readonly #readBuffer = Buffer.alloc(READ_BUFFER_BYTES)
  readonly #entityId = randomUUID()
  readonly #chunk: Buffer
  #connection: RawConnection | undefined
  #isOpen = false
  #isOver = false
  #unanswered = 0
  #accepted = 0
  #refused = 0
  #thrownOut = 0
  #otherEnds = 0
  #firstReason: string | undefined

  constructor(port: number) {
    this.#port = port
    // Without ids of the client's: the same frame is a new message each time.
    const message = {
      senderId: this.#entityId,
      channelId: randomUUID(),
      message: 'x'.repeat(TEXT_CHARS),
    }
    const frame = eventFrame('send_message', message)
    this.#chunk = Buffer.concat(Array.from({ length: CHUNK_EVENTS }, () => frame))
  }

  counts(): FloodCounts {
    return {
      accepted: this.#accepted,
      refused: this.#refused,
      thrownOut: this.#thrownOut,
      otherEnds: this.#otherEnds,
      firstReason: this.#firstReason,
    }
  }

  /** From now on, until it is disposed of. */
  start(): void {
    if (!this.#isOver) void this.#connect()
  }

  onDelivery(): void {
    // It has joined no channel.
  }

  onAck(): void {
    this.#accepted += 1
    this.#unanswered -= 1
  }

  onRefusal(): void {
    this.#refused += 1
    this.#unanswered -= 1
  }

  onRead(): void {
    if (this.#isOpen) this.#pour()
  }

  onLost(reason: string): void {
    this.#isOpen = false
    if (reason.includes(`with ${CLOSE_CODES.RATE_LIMITED} `)) {
      this.#thrownOut += 1
      this.start()
      return
    }
    this.#otherEnds += 1
    this.#firstReason ??= reason
    setTimeout(() => {
      this.start()
    }, RETRY_MS)
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#isOpen = false
    this.#connection?.destroy()
  }

  async #connect(): Promise<void> {
    const plan = { entityId: this.#entityId, memberCount: 0, isSender: true }
    const place = { port: this.#port, readBuffer: this.#readBuffer }
    const connection = new RawConnection(plan, place, this)
    this.#connection = connection
    this.#unanswered = 0
    const timer = setTimeout(() => {
      connection.destroy()
      this.onLost(`heard nothing for ${PATIENCE_MS} ms`)
    }, PATIENCE_MS)
    try {
      await connection.established()
      this.#isOpen = true
      this.#pour()
    } catch {
      // `onLost` was told, or it was disposed of.
    } finally {
      clearTimeout(timer)
    }
  }

  #pour(): void {
    while (this.#unanswered + CHUNK_EVENTS <= MAX_UNANSWERED) {
      this.#unanswered += CHUNK_EVENTS
      this.#connection?.write(this.#chunk)
    }
  }
}

async function windowsOf(load: Load, count: number, seconds: number): Promise<LoadWindow[]> {
  const windows: LoadWindow[] = []
  while (windows.length < count) {
    await sleep(seconds * 1_000)
    windows.push(await load.mark())
  }
  return windows
}

function p99sOf(windows: readonly LoadWindow[]): number[] {
  return windows.map(({ deliveryLag }) => deliveryLag.percentileMs(0.99))
}

const secondsOf = (windows: readonly LoadWindow[]): number =>
  windows.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1_000

/** Figures of a window's p99 are medians of the windows: the disk of a shared machine pauses now and then. */
function valuesOf(calm: readonly LoadWindow[], during: readonly LoadWindow[], flood: FloodCounts) {
  const p99BeforeMs = median(p99sOf(calm))
  const p99DuringMs = median(p99sOf(during))
  const seconds = secondsOf(during)
  return {
    p99BeforeMs,
    p99DuringMs,
    p99Ratio: p99DuringMs / p99BeforeMs,
    p99WorstBeforeMs: Math.max(...p99sOf(calm)),
    p99WorstWindowMs: Math.max(...p99sOf(during)),
    acceptedPerSecond: flood.accepted / seconds,
    refusedPerSecond: flood.refused / seconds,
    thrownOutCount: flood.thrownOut,
  }
}

/** What makes the values doubtful, in words. */
function doubts(windows: readonly LoadWindow[], flood: FloodCounts): string[] {
  const lost = windows.reduce((sum, { lostConnections }) => sum + lostConnections, 0)
  const refused = windows.reduce((sum, { refusals }) => sum + refusals, 0)
  const { otherEnds, firstReason } = flood
  const all: [boolean, string][] = [
    [lost > 0, `${lost} strangers were lost`],
    [refused > 0, `${refused} messages of strangers were refused`],
    [flood.thrownOut === 0, 'the flooding socket was never thrown out'],
    [otherEnds > 0, `${otherEnds} connections of the flood ended otherwise: ${firstReason}`],
  ]
  return all.filter(([isSo]) => isSo).map(([, words]) => words)
}

async function measure(server: ServerUnderTest, options: MeasureOptions): Promise<Measurement> {
  await using load = new Load(1)
  using flooder = new Flooder(server.port)
  await load.openAll(server.port, planMembers(STRANGERS))
  const pace = { kind: 'paced', perSecond: MESSAGES_PER_SECOND } as const
  await load.send({ pace, sampleEvery: 1 })
  await sleep(options.warmUpSeconds * 1_000)
  const meter = await startCpuMeter(server)
  const cpuBefore = process.cpuUsage()
  await load.mark()
  const calm = await windowsOf(load, CALM_WINDOWS, options.seconds)
  flooder.start()
  const during = await windowsOf(load, FLOODED_WINDOWS, options.seconds)
  const flood = flooder.counts()
  const windows = [...calm, ...during]
  const { user, system } = process.cpuUsage(cpuBefore)
  const flooderCores = (user + system) / 1e6 / secondsOf(windows)
  const strangerCores = median(windows.map(({ generatorCores }) => generatorCores))
  const { otherCores, serverCores, warnings } = await meter.stop(strangerCores + flooderCores)
  return {
    values: { ...valuesOf(calm, during, flood), flooderCores, serverCores, otherCores },
    warnings: [...doubts(windows, flood), ...warnings],
  }
}

/** What one socket that sends all it can costs those who have nothing to do with it. */
export const flood: Scenario = {
  name: 'flood',
  title: 'one socket that sends all it can, beside 50 strangers in 10 channels, 400 messages/s',
  sides: ['parley'],
  headline: [
    'p99BeforeMs',
    'p99DuringMs',
    'p99Ratio',
    'p99WorstBeforeMs',
    'p99WorstWindowMs',
    'acceptedPerSecond',
    'refusedPerSecond',
    'thrownOutCount',
  ],
  targets: [{ kind: 'value', metric: 'p99DuringMs', atMost: 100 }],
  measure,
}
