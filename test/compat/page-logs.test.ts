import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { asPayload } from './support/client.ts'
import type { Client, Payload } from './support/client.ts'
import { Clients } from './support/clients.ts'
import { ONE } from './support/words.ts'

/** Log lines that tell of a channel, as the stream brought them. */
function linesAbout(client: Client, channelId: string): Payload[] {
  return client
    .all('log_stream')
    .map(({ payload }) => asPayload(payload))
    .filter((line) => line.channelId === channelId)
}

async function lineAbout(client: Client, channelId: string): Promise<Payload> {
  await client.until(
    () => linesAbout(client, channelId).length > 0,
    () => `a log line about ${channelId}`,
  )
  return linesAbout(client, channelId)[0] ?? {}
}

describe('the page: log streaming', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2', PARLEY_LOG_LEVEL: 'info' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('confirms a subscription and its end with exactly the page’s keys', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    client.emit('subscribe_logs')
    expect(await client.saw('log_subscription_confirmed')).toEqual({
      subscribed: true,
      message: 'Successfully subscribed to log stream',
    })
    client.emit('unsubscribe_logs')
    expect(await client.saw('log_subscription_confirmed', { subscribed: false })).toEqual({
      subscribed: false,
      message: 'Successfully unsubscribed from log stream',
    })
  })

  it('answers the filters of the example as they then are', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    client.emit('update_log_filters', { agentName: 'Alice', level: 'info' })
    expect(await client.saw('log_filters_updated')).toEqual({
      success: false,
      error: 'Not subscribed to log stream',
    })
    client.emit('subscribe_logs')
    client.emit('update_log_filters', { agentName: 'Alice', level: 'info' })
    expect(await client.saw('log_filters_updated', { success: true })).toEqual({
      success: true,
      filters: { agentName: 'Alice', level: 'info' },
    })
    // What is not named stays.
    expect(await client.request('update_log_filters', { level: 'all' })).toEqual({
      success: true,
      filters: { agentName: 'Alice', level: 'all' },
    })
  })

  it('brings a line of another process, once, in the shape of the example', async () => {
    await using clients = new Clients(server.url)
    const [watcher, writer] = await clients.pair({ entityId: ONE }, { entityId: ONE })
    await watcher.request('subscribe_logs')
    const before = Date.now()
    await writer.send('logged-1', 'makes a channel')
    const line = await lineAbout(watcher, 'logged-1')
    expect(line).toMatchObject({ level: 30, msg: expect.stringMatching(/channel/i) })
    expect(line.time).toBeGreaterThanOrEqual(before)
    expect(line.time).toBeLessThanOrEqual(Date.now())
    const [event] = watcher.all('log_stream')
    expect(event).toMatchObject({ type: 'log_entry', payload: { level: expect.any(Number) } })
    // A line of the same process later: had the first come twice, it would have come by then.
    await writer.send('logged-2', 'makes another')
    await lineAbout(watcher, 'logged-2')
    expect(linesAbout(watcher, 'logged-1')).toHaveLength(1)
  })

  it('brings a line of the subscriber’s own gateway once as well', async () => {
    await using clients = new Clients(server.url)
    const watcher = await clients.connect({ entityId: ONE })
    await watcher.request('subscribe_logs')
    await watcher.send('own-1', 'makes a channel')
    await watcher.send('own-2', 'makes another')
    await lineAbout(watcher, 'own-2')
    expect(linesAbout(watcher, 'own-1')).toHaveLength(1)
  })

  it('two subscribers of one gateway get a line once each', async () => {
    await using clients = new Clients(server.url)
    const one = await clients.connect({ entityId: ONE })
    const two = await clients.connectWhere((gateway) => gateway === one.gateway)
    await Promise.all([one.request('subscribe_logs'), two.request('subscribe_logs')])
    await one.send('both-1', 'x')
    await one.send('both-2', 'x')
    for (const client of [one, two]) {
      await lineAbout(client, 'both-2')
      expect(linesAbout(client, 'both-1')).toHaveLength(1)
    }
  })

  it('filters by level at or above, by agent name, and not at all with all', async () => {
    await using clients = new Clients(server.url)
    const [everything, writer] = await clients.pair({ entityId: ONE }, { entityId: ONE })
    const beside = (gateway: string): boolean => gateway === everything.gateway
    const filters = [
      { level: 'error' },
      { agentName: 'Alice' },
      { level: 'info' },
      { level: 'all', agentName: 'all' },
    ]
    const watchers: Client[] = []
    for (const filter of filters) {
      const watcher = await clients.connectWhere(beside)
      await watcher.request('subscribe_logs')
      await watcher.request('update_log_filters', filter)
      watchers.push(watcher)
    }
    await everything.request('subscribe_logs')
    await writer.send('filtered', 'x')
    await lineAbout(everything, 'filtered')
    await Promise.all(watchers.map((watcher) => watcher.roundTrip()))
    const seen = watchers.map((watcher) => linesAbout(watcher, 'filtered').length)
    expect(seen).toEqual([0, 0, 1, 1])
  })

  it('ends with the subscription', async () => {
    await using clients = new Clients(server.url)
    const [watcher, writer] = await clients.pair({ entityId: ONE }, { entityId: ONE })
    const beside = await clients.connectWhere((gateway) => gateway === watcher.gateway)
    await Promise.all([watcher.request('subscribe_logs'), beside.request('subscribe_logs')])
    await writer.send('before-the-end', 'x')
    await lineAbout(watcher, 'before-the-end')
    await watcher.request('unsubscribe_logs')
    await writer.send('after-the-end', 'x')
    await lineAbout(beside, 'after-the-end')
    await watcher.roundTrip()
    expect(linesAbout(watcher, 'after-the-end')).toEqual([])
  })

  it('refuses a level that does not exist and keeps the filter', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    await client.request('subscribe_logs')
    await client.request('update_log_filters', { level: 'warn' })
    const answer = await client.request('update_log_filters', { level: 'loud' })
    expect(answer).toMatchObject({ success: false, error: expect.stringMatching(/level/) })
    expect(await client.request('update_log_filters', {})).toEqual({
      success: true,
      filters: { level: 'warn' },
    })
  })
})

describe('the log stream of a server that logs everything', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2', PARLEY_LOG_LEVEL: 'trace' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('does not feed itself: delivering lines makes no lines', async () => {
    await using clients = new Clients(server.url)
    const watchers = await clients.pair({ entityId: ONE }, { entityId: ONE })
    for (const watcher of watchers) await watcher.request('subscribe_logs')
    await watchers[0].send('fed', 'makes a line')
    for (const watcher of watchers) await lineAbout(watcher, 'fed')
    // Time for a line to make a line, many times over: each round trip is longer than a delivery.
    for (let round = 0; round < 100; round += 1) await watchers[0].roundTrip()
    for (const watcher of watchers) expect(watcher.all('log_stream').length).toBeLessThan(500)
  })
})
