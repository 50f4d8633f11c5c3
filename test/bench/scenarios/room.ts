import type { Scenario } from '../scenario.ts'
import { measureMessages } from './measure-messages.ts'

/** A busy room: what one message costs when a thousand sockets get it. Two generators share the receiving. */
export const room1000: Scenario = {
  name: 'room-1000',
  title: 'one room of 1,000, 10 senders, 5 in flight each',
  sides: ['peer', 'parley'],
  headline: [
    'deliveriesPerSecond',
    'acksPerSecond',
    'p50Ms',
    'p99Ms',
    'deliveryP50Ms',
    'deliveryP99Ms',
    'trailingMs',
    'cpuMicrosPerMessage',
    'serverCores',
    'pssMb',
    'generatorCpu',
  ],
  targets: [{ kind: 'ratio', metric: 'deliveriesPerSecond', atLeast: 10 }],
  measure: (server, options) =>
    measureMessages(server, options, {
      shape: { socketCount: 1_000, channelCount: 1, senderCount: 10 },
      pace: { kind: 'closed', inFlight: 5 },
      sampleEvery: 50,
      generatorCount: 2,
    }),
}
