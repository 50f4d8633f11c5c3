import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { Client } from './support/client.ts'
import { Clients } from './support/clients.ts'
import { startKeyedServer } from './support/keyed-server.ts'
import type { KeyedServer } from './support/keyed-server.ts'
import {
  MessageQueue,
  RateLimiter,
  TypingIndicator,
  WebSocketManager,
} from './support/page-classes.ts'
import { history } from './support/rest.ts'
import { ONE, TWO } from './support/words.ts'

describe('the page: best practices', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('WebSocketManager joins its channels again after a lost transport and hears on', async () => {
    await using clients = new Clients(server.url)
    const manager = new WebSocketManager(server.url)
    await using client = new Client(manager.socket)
    manager.joinedChannels.push('managed-1', 'managed-2')
    await client.saw('channel_joined', { channelId: 'managed-1' })
    await client.saw('channel_joined', { channelId: 'managed-2' })
    client.dropTransport()
    await client.sawMany('channel_joined', 2, { channelId: 'managed-1' })
    await client.sawMany('channel_joined', 2, { channelId: 'managed-2' })
    const sender = await clients.connect({ entityId: ONE })
    await sender.send('managed-2', 'after the reconnect')
    await client.saw('messageBroadcast', { text: 'after the reconnect' })
  })

  it('MessageQueue is settled by messageAck, message by message, and nothing times out', async () => {
    await using clients = new Clients(server.url)
    const [sender, other] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    await other.join('queued')
    const queue = new MessageQueue(sender.socket)
    const texts = Array.from({ length: 25 }, (_, index) => `queued ${index}`)
    for (const message of texts) queue.sendMessage({ channelId: 'queued', senderId: ONE, message })
    expect(queue.pendingMessages.size).toBe(25)
    await sender.sawMany('messageAck', 25)
    expect(queue.pendingMessages.size).toBe(0)
    expect(queue.timedOut).toEqual([])
    const broadcasts = await other.sawMany('messageBroadcast', 25)
    expect(broadcasts.map(({ text }) => text)).toEqual(texts)
    const rows = await history(server.url, 'queued')
    expect(rows.map(({ content }) => content)).toEqual(texts)
  })

  it('MessageQueue keeps what was refused until its own time-out: a refusal is no acknowledgement', async () => {
    await using clients = new Clients(server.url)
    const sender = await clients.connect({ entityId: ONE })
    const queue = new MessageQueue(sender.socket)
    queue.sendMessage({ channelId: 'queued', senderId: ONE, message: '' })
    const error = await sender.saw('messageError')
    expect(error.clientMessageId).toBe('queued-1')
    expect([...queue.pendingMessages.keys()]).toEqual(['queued-1'])
    queue.handleAcknowledgment({ clientMessageId: 'queued-1' })
    expect(queue.pendingMessages.size).toBe(0)
  })

  it('TypingIndicator is seen by the others, in both directions, and not by the one who types', async () => {
    await using clients = new Clients(server.url)
    const [typist, other] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const beside = await clients.connectWhere((gateway) => gateway === typist.gateway)
    for (const client of [typist, other, beside]) await client.join('typed')
    const indicator = new TypingIndicator(typist.socket)
    indicator.startTyping('typed')
    for (const client of [other, beside]) {
      const typing = await client.saw('typing', { isTyping: true })
      expect(typing).toEqual({
        channelId: 'typed',
        roomId: 'typed',
        entityId: ONE,
        isTyping: true,
        ttlMs: expect.any(Number),
      })
    }
    indicator.stopTyping('typed')
    for (const client of [other, beside]) await client.saw('typing', { isTyping: false })
    // Somebody else's typing reaches the typist: what came before it would have come too.
    other.emit('typing_start', { channelId: 'typed' })
    await typist.saw('typing', { entityId: TWO })
    expect(typist.all('typing', { entityId: ONE })).toEqual([])
  })

  it('TypingIndicator stops by itself after its delay', async () => {
    await using clients = new Clients(server.url)
    const [typist, other] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    await Promise.all([typist.join('forgotten'), other.join('forgotten')])
    new TypingIndicator(typist.socket, 200).startTyping('forgotten')
    await other.saw('typing', { entityId: ONE, isTyping: true })
    await other.saw('typing', { entityId: ONE, isTyping: false })
  })

  it('RateLimiter lets through what it counts and the server takes all of it', async () => {
    await using clients = new Clients(server.url)
    const sender = await clients.connect({ entityId: ONE })
    const limiter = new RateLimiter(3, 60_000)
    const sent = ['a', 'b', 'c', 'd', 'e'].filter(() => limiter.canMakeRequest())
    expect(sent).toEqual(['a', 'b', 'c'])
    for (const text of sent) await sender.send('limited', text)
    const rows = await history(server.url, 'limited')
    expect(rows.map(({ content }) => content)).toEqual(sent)
  })
})

describe('the page: connection validation', () => {
  let server: KeyedServer
  beforeAll(async () => {
    server = await startKeyedServer('a-key-for-this-test')
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('a handshake without what the server asks for fails with connect_error', async () => {
    await using clients = new Clients(server.url)
    const client = clients.dial({ reconnection: false, auth: { entityId: ONE } })
    const error = await new Promise<Error>((resolve) => {
      client.socket.once('connect_error', resolve)
    })
    expect(error.message).toBe('Invalid or missing API Key')
    expect(client.socket.connected).toBe(false)
    expect(client.received).toEqual([])
  })

  it('the right handshake gets in, and joins, sends and hears', async () => {
    await using clients = new Clients(server.url)
    const auth = { entityId: ONE, apiKey: 'a-key-for-this-test' }
    const [one, two] = await clients.pair({ auth }, { auth: { ...auth, entityId: TWO } })
    await two.join('validated')
    await one.send('validated', 'inside')
    await two.saw('messageBroadcast', { senderId: ONE, text: 'inside' })
  })
})
