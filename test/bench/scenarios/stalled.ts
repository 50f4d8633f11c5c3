import { setTimeout as sleep } from 'node:timers/promises'
import { openStalledReader } from '../../cluster/support/stalled-reader.ts'
import type { StalledReader } from '../../cluster/support/stalled-reader.ts'
import { Load } from '../load/load.ts'
import type { MeasureOptions, Measurement, Scenario, ServerUnderTest } from '../scenario.ts'
import { startCpuMeter } from '../servers/cpu-meter.ts'
import { pssBytesOf } from '../servers/process-tree.ts'
import { planMembers } from './members.ts'

const STALLED = 200
const ROOM = { socketCount: 50, channelCount: 1, senderCount: 10 }
const MESSAGES_PER_SECOND = 400
/** Windows with stalled readers for one without: two minutes where a window has ten seconds. */
const STALLED_WINDOWS = 12
/** Windows after which all are opened anew: who was cut off does not come back by itself. */
const ANEW_EVERY_WINDOWS = 4
/** At a time, so that their joining does not look like their stalling. */
const OPENED_TOGETHER = 10

async function connectionsOf({ port }: ServerUnderTest): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/api/server/cluster`)
  const { data }: { data: { processes: { connections: number }[] } } = JSON.parse(
    await response.text(),
  )
  return data.processes.reduce((sum, { connections }) => sum + connections, 0)
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
  await sleep(options.seconds * 1_000)
  const before = await load.mark()
  const pids = await server.pids()
  const pssMbAt = [(await pssBytesOf(pids)) / 1e6]
  for (let window = 0; window < STALLED_WINDOWS; window += 1) {
    if (window % ANEW_EVERY_WINDOWS === 0) await stalled.openAnew()
    await sleep(options.seconds * 1_000)
    pssMbAt.push((await pssBytesOf(pids)) / 1e6)
  }
  const during = await load.mark()
  await stalled.countCut()
  const { otherCores, warnings } = await meter.stop(during.generatorCores)
  const [pssMbBefore = 0] = pssMbAt
  const half = Math.ceil(pssMbAt.length / 2)
  const pssMbFirstHalf = Math.max(...pssMbAt.slice(1, half))
  const pssMbSecondHalf = Math.max(...pssMbAt.slice(half))
  const p99BeforeMs = before.deliveryLag.percentileMs(0.99)
  const p99DuringMs = during.deliveryLag.percentileMs(0.99)
  return {
    values: {
      p99BeforeMs,
      p99DuringMs,
      p99Ratio: p99DuringMs / p99BeforeMs,
      cutCount: stalled.cutCount,
      pssMbBefore,
      pssMbFirstHalf,
      pssMbSecondHalf,
      pssRatio: pssMbSecondHalf / pssMbFirstHalf,
      otherCores,
    },
    warnings: [
      ...(during.lostConnections > 0 ? [`${during.lostConnections} readers were lost`] : []),
      ...warnings,
    ],
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
