import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Load } from '../load/load.ts'
import type { LoadOpened } from '../load/load.ts'
import type { ConnectionPlan } from '../load/plan.ts'
import type { MeasureOptions, Measurement, Scenario, ServerUnderTest } from '../scenario.ts'
import { startCpuMeter } from '../servers/cpu-meter.ts'
import { planMembers } from './members.ts'

const CHANNELS = 100
const CLIENTS = 1_000
const MISSED_MESSAGES = 100
const BYSTANDERS = { socketCount: 50, channelCount: 10 }
const BYSTANDER_MESSAGES_PER_SECOND = 500
const BURST_TIMEOUT_MS = 60_000
const STORM_TIMEOUT_MS = 60_000
/** For replayed frames that are still on their way when the last join is answered. */
const REPLAY_GRACE_MS = 2_000

/** Fills fresh channels; resolves with clients that know the channels as they were before. */
async function planResuming(server: ServerUnderTest): Promise<ConnectionPlan[]> {
  await using writers = new Load(1)
  const shape = { socketCount: CHANNELS, channelCount: CHANNELS }
  const { positions } = await writers.openAll(server.port, planMembers(shape))
  const pace = { kind: 'burst', inFlight: 8, messagesPerSender: MISSED_MESSAGES } as const
  await writers.send({ pace, sampleEvery: Number.POSITIVE_INFINITY })
  if (!(await writers.finished(BURST_TIMEOUT_MS))) {
    throw new Error('the messages to be missed were not acknowledged in time')
  }
  const known = Object.entries(positions)
  if (known.length < CHANNELS) throw new Error('the joins were answered without positions')
  const perChannel = CLIENTS / CHANNELS
  return known.flatMap(([channelId, since]) =>
    Array.from({ length: perChannel }, () => ({
      entityId: randomUUID(),
      channelId,
      since,
      memberCount: perChannel,
      isSender: false,
    })),
  )
}

function doubts(opened: LoadOpened, replayed: number, lost: number): string[] {
  const expected = CLIENTS * MISSED_MESSAGES
  return [
    ...(opened.failedCount > 0 ? [`${opened.failedCount} failed: ${opened.firstFailure}`] : []),
    ...(replayed === expected ? [] : [`${replayed} messages replayed instead of ${expected}`]),
    ...(lost > 0 ? [`${lost} bystanders were lost`] : []),
  ]
}

async function measure(server: ServerUnderTest, options: MeasureOptions): Promise<Measurement> {
  await using bystanders = new Load(1)
  await using clients = new Load(1)
  const connections = await planResuming(server)
  await bystanders.openAll(server.port, planMembers(BYSTANDERS))
  const pace = { kind: 'paced', perSecond: BYSTANDER_MESSAGES_PER_SECOND } as const
  await bystanders.send({ pace, sampleEvery: 1 })
  await sleep(options.warmUpSeconds * 1_000)
  const meter = await startCpuMeter(server)
  await bystanders.mark()
  await sleep(options.seconds * 1_000)
  const before = await bystanders.mark()
  await clients.mark()
  const opened = await clients.open({
    port: server.port,
    connections,
    concurrency: CLIENTS,
    patienceMs: STORM_TIMEOUT_MS,
    attempts: 1,
    timeoutMs: STORM_TIMEOUT_MS,
  })
  const [during, storm] = await Promise.all([bystanders.mark(), clients.mark()])
  const { otherCores, warnings } = await meter.stop(during.generatorCores)
  await sleep(REPLAY_GRACE_MS)
  const { deliveries } = await clients.totals()
  const { lostConnections } = await bystanders.totals()
  const bystanderP99BeforeMs = before.deliveryLag.percentileMs(0.99)
  const bystanderP99DuringMs = during.deliveryLag.percentileMs(0.99)
  return {
    values: {
      liveP50Ms: opened.joinTimes.percentileMs(0.5),
      liveP99Ms: opened.joinTimes.percentileMs(0.99),
      replayedPerSecond: (deliveries * 1_000) / opened.durationMs,
      bystanderP99BeforeMs,
      bystanderP99DuringMs,
      bystanderP99Ratio: bystanderP99DuringMs / bystanderP99BeforeMs,
      generatorCpu: storm.busiestGenerator,
      otherCores,
    },
    warnings: [...doubts(opened, deliveries, lostConnections), ...warnings],
  }
}

/** Everybody comes back at once, as after a lost network, while others go on talking. */
export const resumeStorm: Scenario = {
  name: 'resume-storm',
  title: '1,000 clients rejoin at once with 100 missed messages each; 50 others talk',
  // The peer has no resume.
  sides: ['parley'],
  headline: [
    'liveP50Ms',
    'liveP99Ms',
    'replayedPerSecond',
    'bystanderP99BeforeMs',
    'bystanderP99DuringMs',
    'bystanderP99Ratio',
    'generatorCpu',
  ],
  targets: [
    { kind: 'value', metric: 'liveP99Ms', atMost: 2_000 },
    { kind: 'value', metric: 'bystanderP99Ratio', atMost: 2 },
  ],
  measure,
}
