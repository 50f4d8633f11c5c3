import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { PATIENTLY } from './support/client.ts'
import type { Client } from './support/client.ts'
import { Clients } from './support/clients.ts'
import { ACK_STATUS, ONE, TWO } from './support/words.ts'

/** How stock clients come in: their default upgrades a polling session. */
const TRANSPORTS = {
  'polling only': ['polling'],
  'polling, then an upgrade': ['polling', 'websocket'],
  'websocket only': ['websocket'],
} as const satisfies Record<string, readonly ('polling' | 'websocket')[]>

const order = (client: Client) => client.all('messageBroadcast').map(({ seq }) => seq)

describe.each(Object.entries(TRANSPORTS))('a client that speaks %s', (_name, transports) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '3' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const withEntity = (entityId: string) => ({ entityId, transports: [...transports] })

  it('converses with one on another gateway, in order', async () => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair(withEntity(ONE), withEntity(TWO))
    for (const client of [one, two]) {
      expect(await client.join('conversation')).toMatchObject({ seq: 0 })
    }
    for (let turn = 1; turn <= 10; turn += 1) {
      const [speaker, listener] = turn % 2 === 1 ? [one, two] : [two, one]
      const ack = await speaker.send('conversation', `turn ${turn}`, { messageId: `t${turn}` })
      expect(ack).toMatchObject({ status: ACK_STATUS, clientMessageId: `t${turn}`, seq: turn })
      await listener.saw('messageBroadcast', { text: `turn ${turn}`, seq: turn })
    }
    expect(order(one)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(order(two)).toEqual(order(one))
  })

  it('sends a burst, and gets all of it back in order and acknowledged', async () => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair(withEntity(ONE), withEntity(TWO))
    await Promise.all([one.join('burst'), two.join('burst')])
    const texts = Array.from({ length: 100 }, (_, index) => `b${index}`)
    for (const text of texts) one.emit('2', { channelId: 'burst', message: text, messageId: text })
    for (const client of [one, two]) {
      const seen = await client.sawMany('messageBroadcast', 100)
      expect(seen.map(({ text }) => text)).toEqual(texts)
      await client.sawMany('messageComplete', 100)
    }
    const acks = await one.sawMany('messageAck', 100)
    expect(acks.map(({ clientMessageId }) => clientMessageId)).toEqual(texts)
  })

  it('types, is present, leaves, watches the log and is refused like any other', async () => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair(withEntity(ONE), withEntity(TWO))
    await one.join('busy')
    await two.join('busy')
    await one.saw('presence', { entityId: TWO, isPresent: true })
    two.emit('typing_start', { channelId: 'busy' })
    await one.saw('typing', { entityId: TWO, isTyping: true })
    await one.request('subscribe_logs')
    await two.send('busy-made-a-line', 'x')
    await one.saw('log_stream', ({ payload }) =>
      JSON.stringify(payload).includes('busy-made-a-line'),
    )
    two.emit('join', {})
    await two.saw('messageError')
    await two.request('leave', { channelId: 'busy' })
    await one.saw('presence', { entityId: TWO, isPresent: false })
  })

  it('loses its transport, connects anew, resumes, and has missed nothing', async () => {
    await using clients = new Clients(server.url)
    const [reader, writer] = await clients.pair(withEntity(ONE), withEntity(TWO))
    const { epoch } = await reader.join('resumed')
    await writer.send('resumed', 'before')
    await reader.saw('messageBroadcast', { text: 'before', seq: 1 })
    reader.socket.disconnect()
    await writer.send('resumed', 'meanwhile')
    reader.socket.connect()
    await reader.sawMany('connection_established', 2)
    const joined = await reader.join('resumed', { since: { epoch, seq: 1 } })
    expect(joined).toMatchObject({ recovered: true, seq: 2 })
    await writer.send('resumed', 'after')
    await reader.saw('messageBroadcast', { text: 'after', seq: 3 })
    expect(order(reader)).toEqual([1, 2, 3])
  })

  it('sends a large message whole', async () => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair(withEntity(ONE), withEntity(TWO))
    await two.join('large')
    const text = 'grüße 🌍 '.repeat(20_000)
    await one.send('large', text)
    const message = await two.saw('messageBroadcast')
    expect(message.text).toBe(text)
  })

  it('keeps the transport it asked for', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect(withEntity(ONE))
    const last = transports.at(-1)
    await expect.poll(() => client.socket.io.engine.transport.name, PATIENTLY).toBe(last)
    await client.roundTrip()
    expect(client.socket.io.engine.transport.name).toBe(last)
  })
})
