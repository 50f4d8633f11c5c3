import { expect, it } from 'vitest'
import { createGatewayCluster } from '../../../../src/process/gateway/gateway-cluster.ts'
import type { Cluster } from '../../../../src/service/cluster.ts'

const unused = () => Promise.reject(new Error('not asked for'))

it('a gateway is ready when the server is and its own link to the writer is up', async () => {
  let isConnected = false
  let isReady = true
  const whole: Cluster = {
    processes: unused,
    workers: unused,
    logs: unused,
    clearLogs: unused,
    stop: () => undefined,
    readiness: () => Promise.resolve({ isReady, problems: ['an agent-host is not running'] }),
  }
  const cluster = createGatewayCluster(whole, { isConnected: () => isConnected })
  const cut = await cluster.readiness()
  expect(cut.isReady).toBe(false)
  expect(cut.problems).toEqual([
    'an agent-host is not running',
    expect.stringContaining('no connection to the writer'),
  ])
  isConnected = true
  expect(await cluster.readiness()).toMatchObject({ isReady: true, problems: [expect.anything()] })
  isReady = false
  expect(await cluster.readiness()).toMatchObject({ isReady: false })
})
