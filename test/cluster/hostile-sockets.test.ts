import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Clients } from '../compat/support/clients.ts'
import { PATIENTLY } from '../compat/support/client.ts'
import type { Client } from '../compat/support/client.ts'
import { Connection } from './support/connection.ts'
import type { Session } from './support/connection.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { pidsOf } from './support/unharmed.ts'

/** Between the packets of one polling body. */
const SEPARATOR = '\u001E'

/** A queue that a handful of messages fills. */
const MAX_QUEUE_BYTES = 65_536

let server: TestServer
let pids: readonly number[]

beforeAll(async () => {
  server = await startServer({
    PARLEY_GATEWAYS: '2',
    PARLEY_MAX_QUEUE_BYTES: String(MAX_QUEUE_BYTES),
  })
  pids = await pidsOf(server)
})
afterAll(() => server[Symbol.asyncDispose]())

/** A session by hand, connected to the namespace. */
async function openByHand(connection: Connection): Promise<Session> {
  const session = await connection.openSession()
  await connection.send('POST', session.path, '40')
  await connection.get(session.path)
  return session
}

async function expectEverybodyAlive(): Promise<void> {
  expect(await pidsOf(server)).toEqual(pids)
}

async function present(channelId: string): Promise<unknown> {
  const response = await fetch(`${server.url}/api/messaging/channels/${channelId}/presence`)
  const { data } = (await response.json()) as { data: { entities: unknown } }
  return data.entities
}

function numbersOf(client: Client, channelId: string): unknown[] {
  return client.all('messageBroadcast', { channelId }).map(({ seq }) => seq)
}

describe('a gateway', () => {
  it('survives an event nested sixty thousand levels deep and answers it', async () => {
    using connection = new Connection(server.url)
    const session = await openByHand(connection)
    const levels = 60_000
    const nested = `${'{"payload":'.repeat(levels)}1${'}'.repeat(levels)}`
    await connection.send('POST', session.path, `42["message",${nested}]`)
    expect((await connection.get(session.path)).body).toContain('messageError')
    await expectEverybodyAlive()
  })

  it('survives an event that is called as its own are, with what cannot be turned into text', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: 'odd' })
    for (const payload of [{ toString: 1, valueOf: 1 }, { toString: null }, null, 'x', []]) {
      const answer = await client.request('error', payload)
      expect(answer).toMatchObject({ code: 'MESSAGE_TYPE_UNKNOWN' })
    }
    await expectEverybodyAlive()
  })

  it('closes a transport that connects a second time while it is connected', async () => {
    using connection = new Connection(server.url)
    const connections = async (): Promise<number> =>
      (await server.processes()).reduce((sum, one) => sum + one.connections, 0)
    const before = await connections()
    const session = await connection.openSession()
    const flood = Array.from({ length: 10_000 }, () => '40').join(SEPARATOR)
    await connection.send('POST', session.path, flood)
    expect((await connection.get(session.path)).status).toBe(400)
    await expect.poll(connections, PATIENTLY).toBe(before)
    await expectEverybodyAlive()
  })

  it.each([
    { goodbye: 'a Socket.IO disconnect', packet: '41' },
    { goodbye: 'an Engine.IO close', packet: '1' },
  ])(
    'joins nobody whose join came together with $goodbye, but stores what was sent',
    async ({ packet }) => {
      using connection = new Connection(server.url)
      const channelId = `haunted-${packet}`
      const session = await openByHand(connection)
      const join = `42["room_joining",${JSON.stringify({ channelId, entityId: 'ghost' })}]`
      const send = `42["send_message",${JSON.stringify({ channelId, senderId: 'ghost', message: 'last words' })}]`
      await connection.send('POST', session.path, [send, join, packet].join(SEPARATOR))
      const texts = async (): Promise<unknown> => {
        const response = await fetch(`${server.url}/api/messaging/channels/${channelId}/messages`)
        const { data } = (await response.json()) as { data: { messages: { content: string }[] } }
        return data.messages.map(({ content }) => content)
      }
      await expect.poll(texts, PATIENTLY).toEqual(['last words'])
      expect(await present(channelId)).toEqual([])
    },
  )

  it('relays a typing flood no faster than people type', async () => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair({ entityId: 'typist' }, { entityId: 'watcher' })
    await Promise.all([one.join('typing'), two.join('typing')])
    for (let index = 0; index < 500; index += 1) {
      one.emit('typing_start', { channelId: 'typing' })
      one.emit('typing_stop', { channelId: 'typing' })
    }
    await one.send('typing', 'done')
    await two.saw('messageBroadcast', { text: 'done' })
    // A start and its stop for every second that the flood took.
    expect(two.all('typing').length).toBeLessThan(20)
  })
})

describe('a client that missed far more than a slow reader may have waiting', () => {
  const CHANNELS = ['missed-1', 'missed-2', 'missed-3', 'missed-4', 'missed-5']
  const MESSAGES = 40
  const TEXT = 'x'.repeat(8_000)

  beforeAll(async () => {
    await using clients = new Clients(server.url)
    const [author] = await clients.pair({ entityId: 'author' }, { entityId: 'other' })
    for (let index = 0; index < MESSAGES; index += 1) {
      // One round at a time: the author's own copies pass through its queue as well.
      for (const channelId of CHANNELS) await author.send(channelId, `${index} ${TEXT}`)
    }
  })

  it.each([['websocket'], ['polling']] as const)(
    'resumes all its channels at once over %s, without being cut',
    async (transport) => {
      await using clients = new Clients(server.url)
      const [client] = await clients.pair(
        { entityId: 'late', transports: [transport] },
        { entityId: 'other' },
      )
      const { epoch } = await client.join('elsewhere')
      const joined = await Promise.all(
        CHANNELS.map((channelId) => client.join(channelId, { since: { epoch, seq: 0 } })),
      )
      for (const answer of joined) expect(answer).toMatchObject({ recovered: true, seq: MESSAGES })
      const all = Array.from({ length: MESSAGES }, (_, index) => index + 1)
      for (const channelId of CHANNELS) {
        await expect.poll(() => numbersOf(client, channelId), PATIENTLY).toEqual(all)
      }
      expect(client.socket.connected).toBe(true)
    },
  )
})
