import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { PATIENTLY } from './support/client.ts'
import { Clients } from './support/clients.ts'
import { CHANNEL, ONE, SOCKET_MESSAGE_TYPE, TWO } from './support/words.ts'

describe('the page: connection events and message types', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('a plain io(url) connects and is told its socket id by connection_established', async () => {
    await using clients = new Clients(server.url)
    // As on the page: no options, so polling first and then an upgrade.
    const client = clients.dial({ transports: ['polling', 'websocket'] })
    const data = await client.saw('connection_established')
    expect(data).toEqual({
      message: 'Connected to Eliza Socket.IO server',
      socketId: client.socket.id,
    })
  })

  it('an entity in the handshake is authenticated before the connection is confirmed', async () => {
    await using clients = new Clients(server.url)
    const before = Date.now()
    const client = await clients.connect({ entityId: ONE })
    expect(client.received.map(({ event }) => event)).toEqual([
      'authenticated',
      'connection_established',
    ])
    const { entityId, timestamp } = await client.saw('authenticated')
    expect(entityId).toBe(ONE)
    expect(timestamp).toBeGreaterThanOrEqual(before)
    expect(timestamp).toBeLessThanOrEqual(Date.now())
  })

  it('a connection without an entity gets no authenticated event and may join and send', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect()
    const joined = await client.join('older-client', { entityId: 'someone' })
    expect(joined.channelId).toBe('older-client')
    await client.send('older-client', 'hi')
    expect(client.all('authenticated')).toEqual([])
  })

  it('a connection that goes away says so, and a lost transport reconnects by itself', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    const reasons: string[] = []
    client.socket.on('disconnect', (reason) => reasons.push(reason))
    client.dropTransport()
    await client.sawMany('connection_established', 2)
    expect(reasons).toEqual(['forced close'])
    client.socket.disconnect()
    expect(reasons).toEqual(['forced close', 'io client disconnect'])
  })

  it('a client that went away leaves the cluster’s count of connections', async () => {
    const count = async (): Promise<number> => {
      const gateways = (await server.processes()).filter(({ role }) => role === 'gateway')
      return gateways.reduce((sum, { connections }) => sum + connections, 0)
    }
    await using clients = new Clients(server.url)
    const [one] = await clients.pair()
    await expect.poll(count, PATIENTLY).toBe(2)
    one.socket.disconnect()
    await expect.poll(count, PATIENTLY).toBe(1)
  })

  const joins = ['room_joining', 'ROOM_JOINING'] as const
  it.each(joins)('%s joins', async (event) => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    client.emit(event, { channelId: CHANNEL })
    await client.saw('channel_joined', { channelId: CHANNEL })
  })

  const sends = ['send_message', 'SEND_MESSAGE'] as const
  it.each(sends)('%s sends', async (event) => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    client.emit(event, { channelId: CHANNEL, senderId: ONE, message: event, messageId: event })
    const ack = await client.saw('messageAck', { clientMessageId: event })
    expect(ack.channelId).toBe(CHANNEL)
  })

  it('message, the log events and an error event of the client’s own are all handled', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: TWO })
    client.emit('message', {
      type: SOCKET_MESSAGE_TYPE.ROOM_JOINING,
      payload: { channelId: CHANNEL },
    })
    await client.saw('channel_joined')
    client.emit('subscribe_logs')
    await client.saw('log_subscription_confirmed', { subscribed: true })
    client.emit('update_log_filters', { level: 'error' })
    await client.saw('log_filters_updated', { success: true })
    client.emit('unsubscribe_logs')
    await client.saw('log_subscription_confirmed', { subscribed: false })
    // Node ends a process for an `error` event that nobody listens to.
    client.emit('error', { message: 'from a client' })
    const joined = await client.join('after-an-error')
    expect(joined.channelId).toBe('after-an-error')
  })

  it('an unknown namespace is a connect_error', async () => {
    await using clients = new Clients(server.url)
    await expect(clients.connect({ namespace: '/nope' })).rejects.toThrow('Invalid namespace')
  })
})
