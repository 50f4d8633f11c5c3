import { setTimeout as sleep } from 'node:timers/promises'
import { Load } from '../load/load.ts'
import type { LoadTotals, LoadWindow } from '../load/load.ts'
import type { SendPlan } from '../load/plan.ts'
import type { Measurement, RunOptions, ServerUnderTest } from '../scenario.ts'
import { startCpuMeter } from '../servers/cpu-meter.ts'
import { pssBytesOf } from '../servers/process-tree.ts'
import { planMembers } from './members.ts'
import type { Shape } from './members.ts'

/** Deliveries that are outstanding when nothing has come for this long count as missing. */
const SILENCE_MS = 2_000
/** Also when they keep coming: a server that far behind is told as such. */
const MAX_SETTLE_MS = 20_000
const SETTLE_POLL_MS = 100
/** Past these the receivers, not the server, may be what was measured. */
const MAX_GENERATOR_SHARE = 0.9
const MAX_LAG_MS = 1_000
/** Deliveries of a window, as a share of what its acknowledgements promise; below it a queue grows. */
const MIN_DELIVERED_SHARE = 0.9

export interface MessageLoad extends SendPlan {
  readonly shape: Shape
  readonly generatorCount: number
}

/** Resolves with the totals when every delivery has come, or no more come. */
async function settled(load: Load): Promise<LoadTotals> {
  const deadline = Date.now() + MAX_SETTLE_MS
  let before = -1
  let changedAt = Date.now()
  for (;;) {
    const totals = await load.totals()
    const now = Date.now()
    if (totals.deliveries !== before) changedAt = now
    before = totals.deliveries
    const isOver = now > deadline || now - changedAt > SILENCE_MS
    if (totals.deliveries >= totals.expectedDeliveries || isOver) return totals
    await sleep(SETTLE_POLL_MS)
  }
}

/** What makes the values doubtful, in words. */
function doubts(window: LoadWindow, totals: LoadTotals): string[] {
  const { lostConnections, firstLoss, unacknowledged, trailingMs, expectedDeliveries } = totals
  const missing = expectedDeliveries - totals.deliveries
  const lagMs = window.deliveryLag.percentileMs(0.99)
  const share = Math.round(window.busiestGenerator * 100)
  const delivered = window.deliveries / window.expectedDeliveries
  const all: [boolean, string][] = [
    [window.acks === 0, 'nothing was acknowledged'],
    [lostConnections > 0, `${lostConnections} connections were lost: ${firstLoss}`],
    [window.refusals > 0, `${window.refusals} messages were refused`],
    [unacknowledged > 0, `${unacknowledged} messages were never acknowledged`],
    [missing > 0, `${missing} of ${expectedDeliveries} deliveries never came`],
    [missing < 0, `${-missing} deliveries more than expected`],
    [
      delivered < MIN_DELIVERED_SHARE,
      `deliveries fall behind acknowledgements: ${Math.round(delivered * 100)} % of them in the window`,
    ],
    [
      trailingMs > MAX_LAG_MS,
      `the last delivery came ${Math.round(trailingMs)} ms after the last ack`,
    ],
    [lagMs > MAX_LAG_MS, `deliveries came late: p99 ${Math.round(lagMs)} ms after sending`],
    [
      window.busiestGenerator > MAX_GENERATOR_SHARE,
      `the load may be the limit: a generator at ${share} % of a core`,
    ],
  ]
  return all.filter(([isSo]) => isSo).map(([, words]) => words)
}

/** Warms up, measures one window, and sees to it that everything arrived. */
export async function measureMessages(
  server: ServerUnderTest,
  options: RunOptions,
  plan: MessageLoad,
): Promise<Measurement> {
  await using load = new Load(plan.generatorCount)
  const { repeatedCount } = await load.openAll(server.port, planMembers(plan.shape))
  await load.send(plan)
  await sleep(options.warmUpSeconds * 1_000)
  const meter = await startCpuMeter(server)
  await load.mark()
  await sleep(options.seconds * 1_000)
  const window = await load.mark()
  const { cpuMs, serverCores, otherCores, warnings } = await meter.stop(window.generatorCores)
  const pssBytes = await pssBytesOf(await server.pids())
  await load.stop()
  const totals = await settled(load)
  const seconds = window.durationMs / 1_000
  const { ackLatency, deliveryLag } = window
  const repeated =
    repeatedCount > 0 ? [`${repeatedCount} connects heard nothing and were made again`] : []
  return {
    values: {
      acksPerSecond: window.acks / seconds,
      deliveriesPerSecond: window.deliveries / seconds,
      p50Ms: ackLatency.percentileMs(0.5),
      p99Ms: ackLatency.percentileMs(0.99),
      p999Ms: ackLatency.percentileMs(0.999),
      deliveryP50Ms: deliveryLag.percentileMs(0.5),
      deliveryP99Ms: deliveryLag.percentileMs(0.99),
      cpuMicrosPerMessage: (cpuMs * 1_000) / window.acks,
      serverCores,
      pssMb: pssBytes / 1e6,
      generatorCpu: window.busiestGenerator,
      otherCores,
      trailingMs: totals.trailingMs,
    },
    warnings: [...doubts(window, totals), ...warnings, ...repeated],
  }
}
