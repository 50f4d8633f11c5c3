import { setTimeout as sleep } from 'node:timers/promises'
import { processesAt } from '../../cluster/support/server.ts'
import { openStalledReader } from '../../cluster/support/stalled-reader.ts'
import type { StalledReader } from '../../cluster/support/stalled-reader.ts'
import { Load } from '../load/load.ts'
import type { MeasureOptions, Measurement, Scenario, ServerUnderTest } from '../scenario.ts'
import { startCpuMeter } from '../servers/cpu-meter.ts'
import { pssBytesOf } from '../servers/process-tree.ts'
import { median } from '../results.ts'
import { planMembers } from './members.ts'

const STALLED = 200
const ROOM = { socketCount: 50, channelCount: 1, senderCount: 10 }
const MESSAGES_PER_SECOND = 400
/** Windows before anybody stalls. */
const CALM_WINDOWS = 3
/** Windows with stalled readers: two minutes where a window has ten seconds. */
const STALLED_WINDOWS = 12
/** Windows after which all are opened anew: who was cut off does not come back by itself. */
const ANEW_EVERY_WINDOWS = 4
/** At a time, so that their joining does not look like their stalling. */
const OPENED_TOGETHER = 10

async function connectionsOf({ port }: ServerUnderTest): Promise<number> {
  const processes = await processesAt(`http://127.0.0.1:${port}`)
  return processes.reduce((sum, { connections }) => sum + connections, 0)
}

/** Readers that never read; nobody but the server knows which of them it has cut off. */
class StalledReaders implements Disposable {
  readonly #server: ServerUnderTest
  readonly #channelId: string
  #readers: StalledReader[] = []
  cutCount = 0

  constructor(server: ServerUnderTest, channelId: string) {
    this.#server = server
    this.#channelId = channelId
  }

  async openAnew(): Promise<void> {
    await this.countCut()
    this[Symbol.dispose]()
    while (this.#readers.length < STALLED) {
      const opening = Array.from({ length: OPENED_TOGETHER }, () =>
        openStalledReader(this.#server.port, this.#channelId),
      )
      this.#readers.push(...(await Promise.all(opening)))
    }
  }

  async countCut(): Promise<void> {
    const left = (await connectionsOf(this.#server)) - ROOM.socketCount
    this.cutCount += this.#readers.length - left
  }

  [Symbol.dispose](): void {
    for (const reader of this.#readers) reader[Symbol.dispose]()
    this.#readers = []
  }
}

/** What the readers who read saw in one window, and the memory at its end. */
interface Look {
  readonly p99Ms: number
  readonly pssMb: number
  readonly generatorCores: number
  readonly lostConnections: number
}

async function lookAt(load: Load, server: ServerUnderTest, seconds: number): Promise<Look> {
  await sleep(seconds * 1_000)
  const { deliveryLag, generatorCores, lostConnections } = await load.mark()
  const pssMb = (await pssBytesOf(await server.pids())) / 1e6
  return { p99Ms: deliveryLag.percentileMs(0.99), pssMb, generatorCores, lostConnections }
}

const p99Of = (looks: readonly Look[]): number => median(looks.map(({ p99Ms }) => p99Ms))
const mostMbOf = (looks: readonly Look[]): number => Math.max(...looks.map(({ pssMb }) => pssMb))

/** Figures of a window's p99 are medians of the windows: the disk of a shared machine pauses now and then. */
function valuesOf(calm: readonly Look[], stalled: readonly Look[]) {
  const half = Math.ceil(stalled.length / 2)
  const pssMbFirstHalf = mostMbOf(stalled.slice(0, half))
  const pssMbSecondHalf = mostMbOf(stalled.slice(half))
  return {
    p99BeforeMs: p99Of(calm),
    p99DuringMs: p99Of(stalled),
    p99Ratio: p99Of(stalled) / p99Of(calm),
    p99WorstWindowMs: Math.max(...stalled.map(({ p99Ms }) => p99Ms)),
    pssMbBefore: mostMbOf(calm),
    pssMbFirstHalf,
    pssMbSecondHalf,
    pssRatio: pssMbSecondHalf / pssMbFirstHalf,
  }
}

async function measure(server: ServerUnderTest, options: MeasureOptions): Promise<Measurement> {
  await using load = new Load(1)
  const members = planMembers(ROOM)
  await load.openAll(server.port, members)
  using stalled = new StalledReaders(server, members[0]?.channelId ?? '')
  const pace = { kind: 'paced', perSecond: MESSAGES_PER_SECOND } as const
  await load.send({ pace, sampleEvery: 1 })
  await sleep(options.warmUpSeconds * 1_000)
  const meter = await startCpuMeter(server)
  await load.mark()
  const calm: Look[] = []
  while (calm.length < CALM_WINDOWS) calm.push(await lookAt(load, server, options.seconds))
  const during: Look[] = []
  while (during.length < STALLED_WINDOWS) {
    if (during.length % ANEW_EVERY_WINDOWS === 0) await stalled.openAnew()
    during.push(await lookAt(load, server, options.seconds))
  }
  await stalled.countCut()
  const looks = [...calm, ...during]
  const cores = median(looks.map(({ generatorCores }) => generatorCores))
  const { otherCores, warnings } = await meter.stop(cores)
  const lost = looks.reduce((sum, { lostConnections }) => sum + lostConnections, 0)
  return {
    values: { ...valuesOf(calm, during), cutCount: stalled.cutCount, otherCores },
    warnings: [...(lost > 0 ? [`${lost} readers were lost`] : []), ...warnings],
  }
}

/** What readers who never read cost those who do, and whether they cost ever more memory. */
export const stalled200: Scenario = {
  name: 'stalled-200',
  title: '200 readers that never read in a room of 50 who do, 400 messages/s',
  sides: ['parley'],
  headline: [
    'p99BeforeMs',
    'p99DuringMs',
    'p99Ratio',
    'p99WorstWindowMs',
    'cutCount',
    'pssMbBefore',
    'pssMbFirstHalf',
    'pssMbSecondHalf',
    'pssRatio',
  ],
  targets: [
    { kind: 'value', metric: 'p99Ratio', atMost: 2 },
    { kind: 'value', metric: 'pssRatio', atMost: 1.1 },
  ],
  measure,
}
