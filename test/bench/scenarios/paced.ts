import type { RunOptions, Scenario, Values } from '../scenario.ts'
import { startPeer } from '../servers/peer-server.ts'
import { CLOSED_200_LOAD, closed200 } from './closed.ts'
import { measureMessages } from './measure-messages.ts'

const HEADLINE = [
  'acksPerSecond',
  'p50Ms',
  'p99Ms',
  'p999Ms',
  'deliveryP50Ms',
  'deliveryP99Ms',
  'cpuMicrosPerMessage',
  'serverCores',
  'generatorCpu',
] as const

/** Nothing to gather into a batch: each message waits for its own fsync. */
export const lone: Scenario = {
  name: 'lone',
  title: 'a lone message at a time, 100/s, two sockets in each of 10 channels',
  sides: ['peer', 'parley'],
  headline: HEADLINE,
  targets: [{ kind: 'ratio', metric: 'p50Ms', atMost: 1.5 }],
  measure: (server, options) =>
    measureMessages(server, options, {
      shape: { socketCount: 20, channelCount: 10 },
      pace: { kind: 'paced', perSecond: 100 },
      sampleEvery: 1,
      generatorCount: 1,
    }),
}

/** The most that the peer takes, as `closed-200` has found it in this run, or measured now. */
async function peerMaximum(options: RunOptions): Promise<Values> {
  const known = options.earlier(closed200.name, 'peer', 'acksPerSecond')
  if (known !== undefined) return { peerMaximum: known }
  const server = await startPeer(options)
  try {
    const { values } = await measureMessages(server, options, CLOSED_200_LOAD)
    return { peerMaximum: values['acksPerSecond'] ?? 0 }
  } finally {
    await server.close()
  }
}

/** The same rate for both, at which neither is full: what a message takes from socket to socket. */
export const paced: Scenario = {
  name: 'paced',
  title: '200 sockets, 100 channels, paced at half of the peer’s maximum',
  sides: ['peer', 'parley'],
  headline: HEADLINE,
  targets: [{ kind: 'ratio', metric: 'deliveryP99Ms', atMost: 1 }],
  prepare: peerMaximum,
  measure: (server, options) =>
    measureMessages(server, options, {
      ...CLOSED_200_LOAD,
      pace: { kind: 'paced', perSecond: Math.round((options.prepared['peerMaximum'] ?? 0) / 2) },
      sampleEvery: 1,
    }),
}
