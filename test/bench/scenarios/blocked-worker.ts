import { setTimeout as sleep } from 'node:timers/promises'
import { Load } from '../load/load.ts'
import type { LoadWindow } from '../load/load.ts'
import { median } from '../results.ts'
import type { MeasureOptions, Measurement, Scenario, ServerUnderTest } from '../scenario.ts'
import { startCpuMeter } from '../servers/cpu-meter.ts'
import { watchHost } from '../servers/host-watch.ts'
import type { HostFate } from '../servers/host-watch.ts'
import { startWithWorkers } from '../servers/worker-server.ts'
import { planMembers } from './members.ts'
import { planTalks, say } from './talks.ts'

const BLOCKER = { name: 'blocker', module: 'blocker' } as const
const OTHERS = { socketCount: 50, channelCount: 10 }
const MESSAGES_PER_SECOND = 400
/** Their p99s differ by the noise. */
const CALM_WINDOWS = 5

async function windowOf(load: Load, seconds: number): Promise<LoadWindow> {
  await sleep(seconds * 1_000)
  return load.mark()
}

/** Windows while a worker blocks its host, and the next host, until its message is given up. */
async function blockedWindows(
  load: Load,
  server: ServerUnderTest,
  seconds: number,
): Promise<{ readonly windows: readonly LoadWindow[]; readonly fate: HostFate }> {
  const [talk] = await planTalks(server, 1, [BLOCKER.name])
  if (talk === undefined) throw new Error('there is nobody to block')
  const fate = watchHost(server, BLOCKER.name)
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  fate.then(over, over)
  await load.mark()
  await say(server, talk, 'block')
  const windows: LoadWindow[] = []
  while (!isOver) windows.push(await windowOf(load, seconds))
  return { windows, fate: await fate }
}

function p99sOf(windows: readonly LoadWindow[]): number[] {
  return windows.map(({ deliveryLag }) => deliveryLag.percentileMs(0.99))
}

function valuesOf(calm: readonly LoadWindow[], during: readonly LoadWindow[]) {
  const p99BeforeMs = median(p99sOf(calm))
  const p99DuringMs = median(p99sOf(during))
  const noiseMs = Math.max(...p99sOf(calm)) - Math.min(...p99sOf(calm))
  return {
    p99BeforeMs,
    p99DuringMs,
    p99WorstBeforeMs: Math.max(...p99sOf(calm)),
    p99WorstWindowMs: Math.max(...p99sOf(during)),
    noiseMs,
    changePerNoise: (p99DuringMs - p99BeforeMs) / noiseMs,
  }
}

function doubts(windows: readonly LoadWindow[]): string[] {
  const lost = windows.reduce((sum, { lostConnections }) => sum + lostConnections, 0)
  const refused = windows.reduce((sum, { refusals }) => sum + refusals, 0)
  return [
    ...(lost > 0 ? [`${lost} others were lost`] : []),
    ...(refused > 0 ? [`${refused} messages of others were refused`] : []),
  ]
}

async function measure(server: ServerUnderTest, options: MeasureOptions): Promise<Measurement> {
  await using load = new Load(1)
  await load.openAll(server.port, planMembers(OTHERS))
  const pace = { kind: 'paced', perSecond: MESSAGES_PER_SECOND } as const
  await load.send({ pace, sampleEvery: 1 })
  await sleep(options.warmUpSeconds * 1_000)
  const meter = await startCpuMeter(server)
  await load.mark()
  const calm: LoadWindow[] = []
  while (calm.length < CALM_WINDOWS) calm.push(await windowOf(load, options.seconds))
  const { windows, fate } = await blockedWindows(load, server, options.seconds)
  const all = [...calm, ...windows]
  const cores = median(all.map(({ generatorCores }) => generatorCores))
  const { otherCores, warnings } = await meter.stop(cores)
  return {
    values: { ...valuesOf(calm, windows), ...fate, otherCores },
    warnings: [...doubts(all), ...warnings],
  }
}

/** What a worker in `while (true)` costs those who have nothing to do with it, and how it ends. */
export const blockedWorker: Scenario = {
  name: 'blocked-worker',
  title:
    'a worker that blocks its process for ever, beside 50 others in 10 channels, 400 messages/s',
  sides: ['parley'],
  headline: [
    'p99BeforeMs',
    'p99DuringMs',
    'p99WorstBeforeMs',
    'p99WorstWindowMs',
    'noiseMs',
    'changePerNoise',
    'endedAfterMs',
    'replacedAfterMs',
    'setAsideAfterMs',
  ],
  targets: [{ kind: 'value', metric: 'changePerNoise', atMost: 1 }],
  start: (_side, options) => startWithWorkers([BLOCKER], options),
  measure,
}
