import type { Scenario } from '../scenario.ts'
import { measureMessages } from './measure-messages.ts'
import type { MessageLoad } from './measure-messages.ts'

const HEADLINE = [
  'acksPerSecond',
  'deliveriesPerSecond',
  'p50Ms',
  'p99Ms',
  'p999Ms',
  'deliveryP99Ms',
  'cpuMicrosPerMessage',
  'serverCores',
  'pssMb',
  'generatorCpu',
] as const

/** Every socket keeps its messages in flight: the most that the server takes. */
function closedLoop(
  about: Pick<Scenario, 'name' | 'title' | 'targets'>,
  load: MessageLoad,
): Scenario {
  return {
    ...about,
    sides: ['peer', 'parley'],
    headline: HEADLINE,
    measure: (server, options) => measureMessages(server, options, load),
  }
}

export const CLOSED_200_LOAD: MessageLoad = {
  shape: { socketCount: 200, channelCount: 100 },
  pace: { kind: 'closed', inFlight: 1 },
  sampleEvery: 10,
  generatorCount: 1,
}

export const inFlight8 = closedLoop(
  {
    name: 'in-flight-8',
    title: '200 sockets, 100 channels, 8 in flight each',
    targets: [
      { kind: 'ratio', metric: 'acksPerSecond', atLeast: 4 },
      {
        kind: 'share',
        metric: 'acksPerSecond',
        of: { scenario: 'raw-log', side: 'parley', metric: 'rowsPerSecond' },
        atLeast: 0.5,
      },
    ],
  },
  { ...CLOSED_200_LOAD, pace: { kind: 'closed', inFlight: 8 } },
)

export const closed200 = closedLoop(
  {
    name: 'closed-200',
    title: '200 sockets, 100 channels, closed loop',
    targets: [{ kind: 'ratio', metric: 'acksPerSecond', atLeast: 2.5 }],
  },
  CLOSED_200_LOAD,
)

export const closed50 = closedLoop(
  {
    name: 'closed-50',
    title: '50 sockets, 10 channels, closed loop',
    targets: [{ kind: 'ratio', metric: 'acksPerSecond', atLeast: 2.5 }],
  },
  { ...CLOSED_200_LOAD, shape: { socketCount: 50, channelCount: 10 } },
)
