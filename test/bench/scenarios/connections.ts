import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Load } from '../load/load.ts'
import type { LoadOpened } from '../load/load.ts'
import type { ConnectionPlan } from '../load/plan.ts'
import type { Measurement, Scenario, ServerUnderTest } from '../scenario.ts'
import { startCpuMeter } from '../servers/cpu-meter.ts'
import { pssBytesOf } from '../servers/process-tree.ts'

const CONCURRENCY = 100
const OPEN_TIMEOUT_MS = 60_000
/** As long as stock clients wait for a connection; one that hears nothing counts as failed. */
const ONCE = { patienceMs: 20_000, attempts: 1 }
/** Opened first: a process that has never had a connection does not have its code compiled. */
const WARM_UP_CONNECTIONS = 500
const STORM_CONNECTIONS = 5_000
const IDLE_CONNECTIONS = 5_000
/** For the garbage of connecting to be collected. */
const SETTLE_MS = 10_000

/** Connections that join nothing. */
function planConnections(count: number): ConnectionPlan[] {
  return Array.from({ length: count }, () => ({
    entityId: randomUUID(),
    memberCount: 0,
    isSender: false,
  }))
}

async function open(load: Load, server: ServerUnderTest, count: number): Promise<LoadOpened> {
  return load.open({
    port: server.port,
    connections: planConnections(count),
    concurrency: CONCURRENCY,
    ...ONCE,
    timeoutMs: OPEN_TIMEOUT_MS,
  })
}

function failures({ failedCount, firstFailure }: LoadOpened): string[] {
  return failedCount === 0 ? [] : [`${failedCount} connections failed: ${firstFailure}`]
}

async function measureStorm(server: ServerUnderTest): Promise<Measurement> {
  await using load = new Load(1)
  await open(load, server, WARM_UP_CONNECTIONS)
  await load.disconnect()
  const meter = await startCpuMeter(server)
  await load.mark()
  const opened = await open(load, server, STORM_CONNECTIONS)
  const { busiestGenerator, generatorCores } = await load.mark()
  const { cpuMs, serverCores, otherCores, warnings } = await meter.stop(generatorCores)
  await load.disconnect()
  return {
    values: {
      connectsPerSecond: (opened.openedCount * 1_000) / opened.durationMs,
      p50Ms: opened.connectTimes.percentileMs(0.5),
      p99Ms: opened.connectTimes.percentileMs(0.99),
      cpuMicrosPerConnect: (cpuMs * 1_000) / opened.openedCount,
      serverCores,
      otherCores,
      generatorCpu: busiestGenerator,
    },
    warnings: [...failures(opened), ...warnings],
  }
}

/** From TCP connect until `connection_established`, a hundred at a time. */
export const connectStorm: Scenario = {
  name: 'connect-storm',
  title: '5,000 WebSocket connects, 100 at a time, until connection_established',
  sides: ['peer', 'parley'],
  headline: [
    'connectsPerSecond',
    'p50Ms',
    'p99Ms',
    'cpuMicrosPerConnect',
    'serverCores',
    'generatorCpu',
  ],
  targets: [{ kind: 'ratio', metric: 'connectsPerSecond', atLeast: 1 }],
  measure: measureStorm,
}

async function measureIdle(server: ServerUnderTest): Promise<Measurement> {
  await using load = new Load(1)
  await open(load, server, WARM_UP_CONNECTIONS)
  await sleep(SETTLE_MS)
  const pids = await server.pids()
  const before = await pssBytesOf(pids)
  const opened = await open(load, server, IDLE_CONNECTIONS)
  await sleep(SETTLE_MS)
  const after = await pssBytesOf(pids)
  const { lostConnections } = await load.totals()
  await load.disconnect()
  return {
    values: {
      pssKbPerConnection: (after - before) / opened.openedCount / 1_000,
      pssMbBefore: before / 1e6,
      pssMbAfter: after / 1e6,
    },
    warnings: [
      ...failures(opened),
      ...(lostConnections > 0 ? [`${lostConnections} connections were lost`] : []),
    ],
  }
}

/** What all processes together grow by, shared pages counted once, divided by the connections. */
export const idle5000: Scenario = {
  name: 'idle-5000',
  title: '5,000 idle connections, beyond the first 500',
  sides: ['peer', 'parley'],
  headline: ['pssKbPerConnection', 'pssMbBefore', 'pssMbAfter'],
  targets: [{ kind: 'ratio', metric: 'pssKbPerConnection', atMost: 1.15 }],
  measure: measureIdle,
}
