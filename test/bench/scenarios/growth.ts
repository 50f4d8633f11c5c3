import { createFilledData } from '../growth/filled-data.ts'
import { measureHistory } from '../growth/history-load.ts'
import type { History } from '../growth/history-load.ts'
import type { Scenario, Target } from '../scenario.ts'
import { startParley } from '../servers/parley-server.ts'
import { measureMessages } from './measure-messages.ts'

/** `BENCH_GROWTH_ROWS` shortens a trial run. */
const HISTORY_ROWS = Number(process.env['BENCH_GROWTH_ROWS'] ?? 10_000_000)
const BASE: History = { channelCount: 1_000, rowCount: HISTORY_ROWS / 10 }
/** "Flat": what a tenfold log may cost of the rates of the small one. */
const FLAT = 0.8

const asFastAs = (scenario: string, metrics: readonly string[]): readonly Target[] =>
  metrics.map((metric) => ({
    kind: 'share',
    metric,
    of: { scenario, side: 'parley', metric },
    atLeast: FLAT,
  }))

const words = ({ channelCount, rowCount }: History): string =>
  `${channelCount.toLocaleString('en')} channels, ${rowCount.toLocaleString('en')} messages`

/** One log for all rounds: what a round adds to it is little beside what is there. */
function historyScenario(
  name: string,
  history: History,
  targets: readonly Target[] = [],
): Scenario {
  let dataDir: string | undefined
  return {
    name,
    title: `growth: ${words(history)}; posts into all, pages of 50 from all over`,
    sides: ['parley'],
    headline: [
      'postsPerSecond',
      'postP50Ms',
      'postP99Ms',
      'cpuMicrosPerPost',
      'pagesPerSecond',
      'pageP50Ms',
      'pageP99Ms',
      'cpuMicrosPerPage',
    ],
    targets,
    prepare: async () => {
      dataDir = await createFilledData(history)
      return {}
    },
    start: (_side, options) => {
      if (dataDir === undefined) throw new Error('the history was not prepared')
      return startParley(options, { PARLEY_DATA_DIR: dataDir })
    },
    measure: (server, options) => measureHistory(server, options, history),
  }
}

function roomScenario(memberCount: number, targets: readonly Target[] = []): Scenario {
  return {
    name: `growth-room-${memberCount}`,
    title: `growth: one room of ${memberCount}, 10 senders × 5 in flight`,
    sides: ['parley'],
    headline: ['deliveriesPerSecond', 'cpuMicrosPerDelivery', 'acksPerSecond', 'deliveryP99Ms'],
    targets,
    measure: async (server, options) => {
      const { values, warnings } = await measureMessages(server, options, {
        shape: { socketCount: memberCount, channelCount: 1, senderCount: 10 },
        pace: { kind: 'closed', inFlight: 5 },
        sampleEvery: memberCount,
        generatorCount: 1,
      })
      const { serverCores = Number.NaN, deliveriesPerSecond = Number.NaN } = values
      const cpuMicrosPerDelivery = (serverCores * 1e6) / deliveriesPerSecond
      return { values: { ...values, cpuMicrosPerDelivery }, warnings }
    },
  }
}

/**
 * Ten times the channels, the history and the members of a room: the first two should change nothing, and
 * the third not the cost of one delivery. The base of each stands before what is compared with it.
 */
export const growth: readonly Scenario[] = [
  historyScenario('growth-base', BASE),
  historyScenario(
    'growth-channels',
    { ...BASE, channelCount: BASE.channelCount * 10 },
    asFastAs('growth-base', ['postsPerSecond', 'pagesPerSecond']),
  ),
  historyScenario(
    'growth-history',
    { ...BASE, rowCount: BASE.rowCount * 10 },
    asFastAs('growth-base', ['postsPerSecond', 'pagesPerSecond']),
  ),
  roomScenario(100),
  roomScenario(1_000, asFastAs('growth-room-100', ['deliveriesPerSecond'])),
]
