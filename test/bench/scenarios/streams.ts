import { setTimeout as sleep } from 'node:timers/promises'
import { Load } from '../load/load.ts'
import type { LoadWindow } from '../load/load.ts'
import type {
  MeasureOptions,
  Measurement,
  RunOptions,
  Scenario,
  ServerUnderTest,
} from '../scenario.ts'
import { startCpuMeter } from '../servers/cpu-meter.ts'
import { startRoleMeter } from '../servers/role-meter.ts'
import { startWithWorkers } from '../servers/worker-server.ts'
import type { BenchWorker } from '../servers/worker-server.ts'
import { planTalks } from './talks.ts'

const STREAMS = 500
const CHUNKS_PER_SECOND = 50
/** An agent works in 64 channels at a time. */
const STREAMS_PER_AGENT = 50
/** Readers share the reading: one process must not be what is measured. */
const GENERATORS = 2
/** From the last join until all streams go on, and from the window's end until they may end. */
const SLACK_SECONDS = 10
/** Chunks of a window, as a share of what was to be written; below it a queue grows or a writer is held up. */
const MIN_CHUNK_SHARE = 0.97
const MAX_GENERATOR_SHARE = 0.9

const STREAMERS: readonly BenchWorker[] = Array.from(
  { length: STREAMS / STREAMS_PER_AGENT },
  (_, index) => ({ name: `streamer-${index}`, module: 'streamer' }),
)

function start(options: RunOptions): Promise<ServerUnderTest> {
  const seconds = options.warmUpSeconds + options.seconds + SLACK_SECONDS
  return startWithWorkers(STREAMERS, options, {
    BENCH_CHUNKS_PER_SECOND: String(CHUNKS_PER_SECOND),
    BENCH_STREAM_SECONDS: String(seconds),
  })
}

function doubts({ window, share }: { readonly window: LoadWindow; readonly share: number }) {
  const { lostConnections, refusals, brokenStreams, busiestGenerator } = window
  const busy = Math.round(busiestGenerator * 100)
  const all: [boolean, string][] = [
    [lostConnections > 0, `${lostConnections} readers were lost`],
    [refusals > 0, `${refusals} messages were refused`],
    [brokenStreams > 0, `${brokenStreams} streams broke off`],
    [share < MIN_CHUNK_SHARE, `only ${Math.round(share * 100)} % of the chunks came in the window`],
    [
      busiestGenerator > MAX_GENERATOR_SHARE,
      `the load may be the limit: a generator at ${busy} % of a core`,
    ],
  ]
  return all.filter(([isSo]) => isSo).map(([, words]) => words)
}

async function measure(server: ServerUnderTest, options: MeasureOptions): Promise<Measurement> {
  await using load = new Load(GENERATORS)
  const names = STREAMERS.map(({ name }) => name)
  await load.openAll(server.port, await planTalks(server, STREAMS, names))
  const pace = { kind: 'burst', inFlight: 1, messagesPerSender: 1 } as const
  await load.send({ pace, sampleEvery: Number.POSITIVE_INFINITY })
  await sleep(options.warmUpSeconds * 1_000)
  const [meter, roleMeter] = await Promise.all([startCpuMeter(server), startRoleMeter(server)])
  await load.mark()
  await sleep(options.seconds * 1_000)
  const window = await load.mark()
  const [use, roles] = await Promise.all([meter.stop(window.generatorCores), roleMeter.stop()])
  const chunksPerSecond = (window.chunkLag.total * 1_000) / window.durationMs
  const share = chunksPerSecond / (STREAMS * CHUNKS_PER_SECOND)
  return {
    values: {
      chunksPerSecond,
      lagP50Ms: window.chunkLag.percentileMs(0.5),
      lagP99Ms: window.chunkLag.percentileMs(0.99),
      lagP999Ms: window.chunkLag.percentileMs(0.999),
      worstReaderP99Ms: window.worstChunkP99Ms,
      cpuMicrosPerChunk: (use.cpuMs * 1_000) / window.chunkLag.total,
      serverCores: use.serverCores,
      ...roles,
      generatorCpu: window.busiestGenerator,
      otherCores: use.otherCores,
    },
    warnings: [...doubts({ window, share }), ...use.warnings],
  }
}

/** Many agents that speak at once, each to its own reader. The peer has no streams. */
export const streams500: Scenario = {
  name: 'streams-500',
  title: '500 streams of 50 chunks/s, each with a reader: from when a chunk was due until it came',
  sides: ['parley'],
  headline: [
    'chunksPerSecond',
    'lagP50Ms',
    'lagP99Ms',
    'worstReaderP99Ms',
    'cpuMicrosPerChunk',
    'serverCores',
    'agentHostCores',
    'writerCores',
    'gatewayCores',
    'busiestGatewayCores',
    'primaryCores',
    'generatorCpu',
  ],
  targets: [{ kind: 'value', metric: 'worstReaderP99Ms', atMost: 100 }],
  start: (_side, options) => start(options),
  measure,
}
