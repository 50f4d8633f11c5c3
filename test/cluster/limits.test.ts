import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, PATIENTLY } from '../compat/support/client.ts'
import type { Client, ConnectOptions, Payload } from '../compat/support/client.ts'
import { Clients } from '../compat/support/clients.ts'
import { claimsOf, SECRET, signed } from '../integration/support/tokens.ts'
import { eventually } from './support/eventually.ts'
import { startGuarded } from './support/guarded-server.ts'
import type { GuardedServer } from './support/guarded-server.ts'
import { createChannel } from './support/rest.ts'

const KEY = 'the-key-of-services'
const MAX_OF_ENTITY = 3
const MAX_OF_ADDRESS = 4
const CONNECTS_PER_SECOND = 2
const EVENTS_PER_SECOND = 50
const ENTITY_EVENTS_PER_SECOND = 40

let server: GuardedServer

beforeAll(async () => {
  server = await startGuarded({
    PARLEY_GATEWAYS: '2',
    PARLEY_AGENT_HOSTS: '0',
    PARLEY_API_KEY: KEY,
    PARLEY_JWT_SECRET: SECRET,
    PARLEY_TRUST_PROXY: '1',
    PARLEY_MAX_CONNECTIONS_PER_ENTITY: String(MAX_OF_ENTITY),
    PARLEY_MAX_CONNECTIONS_PER_ADDRESS: String(MAX_OF_ADDRESS),
    PARLEY_CONNECTS_PER_SECOND: String(CONNECTS_PER_SECOND),
    PARLEY_EVENTS_PER_SECOND: String(EVENTS_PER_SECOND),
    PARLEY_ENTITY_EVENTS_PER_SECOND: String(ENTITY_EVENTS_PER_SECOND),
  })
})
afterAll(() => server[Symbol.asyncDispose]())

/** How somebody connects who shows a token, from an address that the proxy in front saw. */
async function as(sub: string, forwardedFor?: string): Promise<ConnectOptions> {
  const extraHeaders = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
  return {
    auth: { token: await signed(claimsOf(sub)) },
    extraHeaders,
    // A connection that a test loses is lost.
    reconnection: false,
  }
}

/** What a connect is refused with; undefined when it is not, and the connection is closed again. */
async function refusalOf(options: ConnectOptions): Promise<Payload | undefined> {
  try {
    const client = await connect(server.url, options)
    client.socket.disconnect()
    return undefined
  } catch (error) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the server sends beside the words
    return (error as { readonly data?: Payload }).data ?? {}
  }
}

const isRefused = async (options: ConnectOptions): Promise<boolean> =>
  (await refusalOf(options)) !== undefined

/** Connects, waiting as long as the server says where the rate is reached. */
async function connectPatiently(clients: Clients, options: ConnectOptions): Promise<Client> {
  for (;;) {
    try {
      return await clients.connect(options)
    } catch (error) {
      const { data } = error as { readonly data?: Payload }
      if (data?.['code'] !== 'RATE_LIMITED') throw error
      await delay(Number(data['retryAfter']) * 1_000)
    }
  }
}

/** A connection on each of the two gateways, of somebody who may not have many at a time. */
async function pairOf(clients: Clients, options: ConnectOptions): Promise<[Client, Client]> {
  const one = await clients.connect(options)
  const elsewhere = async (): Promise<Client | undefined> => {
    const client = await clients.connect(options)
    if (client.gateway !== one.gateway) return client
    client.socket.disconnect()
    return undefined
  }
  return [one, await eventually(elsewhere, { what: 'a connection to the other gateway' })]
}

/** A connection on each of the two gateways and one more, which is all that an entity may have. */
async function connectAll(clients: Clients, options: ConnectOptions): Promise<readonly Client[]> {
  const pair = await pairOf(clients, options)
  const one = await eventually(() => clients.connect(options), { what: 'a third connection' })
  return [...pair, one]
}

async function pidsOf(role: string): Promise<readonly number[]> {
  const response = await fetch(`${server.url}/api/server/cluster`, {
    headers: { 'x-api-key': KEY },
  })
  const { data } = (await response.json()) as {
    readonly data: {
      readonly processes: readonly { readonly role: string; readonly pid: number }[]
    }
  }
  return data.processes.filter((one) => one.role === role).map(({ pid }) => pid)
}

/** Begins a session that says nothing; answers the status. */
async function openSession(): Promise<number> {
  const response = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`, {
    headers: { 'x-forwarded-for': '203.0.113.30' },
  })
  await response.text()
  return response.status
}

const TOO_MANY = { code: 'TOO_MANY_CONNECTIONS', retryable: true, retryAfter: 5 }

/** Sends so many at once; answers the acknowledgements in order. */
async function sendMany(client: Client, count: number): Promise<readonly Payload[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      client.send('events', `message ${index}`, { messageId: `${client.id}-${index}` }),
    ),
  )
}

describe('connections at a time of one entity', () => {
  it('are counted over all gateways, and one that closes makes room', async () => {
    await using clients = new Clients(server.url)
    const alice = await as('alice')
    const [first] = await connectAll(clients, alice)
    expect(await refusalOf(alice)).toEqual(TOO_MANY)
    expect(await refusalOf({ ...alice, transports: ['polling'] })).toEqual(TOO_MANY)
    expect(await refusalOf(await as('somebody-else'))).toBeUndefined()
    first?.socket.disconnect()
    await expect.poll(() => isRefused(alice), PATIENTLY).toBe(false)
    await eventually(() => clients.connect(alice), { what: 'the room that it made' })
    expect(await refusalOf(alice)).toEqual(TOO_MANY)
  })

  it('come back with a gateway that is killed, no more and no fewer', async () => {
    await using clients = new Clients(server.url)
    const bob = await as('bob')
    const before = await connectAll(clients, bob)
    const [pid] = await pidsOf('gateway')
    process.kill(pid ?? 0, 'SIGKILL')
    await expect
      .poll(() => before.filter(({ socket }) => !socket.connected).length, PATIENTLY)
      .toBeGreaterThan(0)
    const lost = before.filter(({ socket }) => !socket.connected)
    for (const _one of lost) {
      await eventually(() => clients.connect(bob), { what: 'a connection in place of a lost one' })
    }
    expect(await refusalOf(bob)).toEqual(TOO_MANY)
  })

  it('are known to a writer that restarted', async () => {
    await using clients = new Clients(server.url)
    const carol = await as('carol')
    await connectAll(clients, carol)
    const [pid] = await pidsOf('writer')
    process.kill(pid ?? 0, 'SIGKILL')
    // Meanwhile each gateway knows its own; connections that came in so are closed again.
    await eventually(async () => (await pidsOf('writer')).some((one) => one !== pid), {
      what: 'another writer',
    })
    await expect.poll(() => isRefused(carol), PATIENTLY).toBe(true)
  })
})

describe('a client address', () => {
  it('has so many connections at a time, by what the proxy wrote, and the key is not counted', async () => {
    await using clients = new Clients(server.url)
    const place = '203.0.113.7'
    for (let index = 0; index < MAX_OF_ADDRESS; index += 1) {
      const forged = `198.51.100.${index}, ${place}`
      await connectPatiently(clients, await as(`visitor-${index}`, forged))
    }
    await expect(connectPatiently(clients, await as('one-more', place))).rejects.toMatchObject({
      data: TOO_MANY,
    })
    const service = { auth: { apiKey: KEY, entityId: 'service' } }
    const extraHeaders = { 'x-forwarded-for': place }
    for (let index = 0; index < 6; index += 1) {
      await clients.connect({ ...service, extraHeaders })
    }
    const word = { 'x-forwarded-for': place, 'x-parley-client-address': '198.51.100.99' }
    await expect(
      connectPatiently(clients, { ...(await as('forger')), extraHeaders: word }),
    ).rejects.toMatchObject({ data: TOO_MANY })
    await clients.connect(await as('neighbour', '203.0.113.8'))
    const others = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => clients.connect(await as(`local-${index}`))),
    )
    expect(others.length).toBe(6)
  })

  it('opens so many in a second, guesses among them', async () => {
    const guesses = Array.from({ length: 12 }, async (_, index) => {
      const extraHeaders = { 'x-forwarded-for': '203.0.113.20' }
      const auth = { apiKey: `guess-${index}`, entityId: 'guesser' }
      return refusalOf({ auth, extraHeaders, reconnection: false })
    })
    const codes = (await Promise.all(guesses)).map((data) => data?.['code'])
    expect(codes).toContain('UNAUTHENTICATED')
    expect(codes).toContain('RATE_LIMITED')
  })

  it('opens ten times as many sessions in a second, of whoever does not say who it is', async () => {
    const statuses = await Promise.all(Array.from({ length: 200 }, openSession))
    const opened = statuses.filter((status) => status === 200).length
    expect(opened).toBeGreaterThanOrEqual(10 * CONNECTS_PER_SECOND)
    expect(new Set(statuses)).toEqual(new Set([200, 403]))
  })
})

describe('events in a second', () => {
  beforeAll(() => createChannel(server.url, 'events', { 'x-api-key': KEY }))

  it('of a socket are accepted in order up to the limit, and the others refused with their ids', async () => {
    await using clients = new Clients(server.url)
    const [agent, watcher] = await clients.pair(
      { auth: { apiKey: KEY, entityId: 'agent' } },
      { auth: { apiKey: KEY, entityId: 'watcher' } },
    )
    await watcher.join('events')
    const answers = await sendMany(agent, 4 * EVENTS_PER_SECOND)
    const accepted = answers.filter(({ code }) => code === undefined)
    const refused = answers.filter(({ code }) => code !== undefined)
    expect(accepted.length).toBeGreaterThanOrEqual(EVENTS_PER_SECOND)
    expect(refused.length).toBeGreaterThan(0)
    const seqs = accepted.map(({ seq }) => Number(seq))
    expect(seqs).toEqual(seqs.toSorted((one, other) => one - other))
    for (const [index, answer] of answers.entries()) {
      if (answer['code'] === undefined) continue
      expect(answer).toMatchObject({
        code: 'RATE_LIMITED',
        retryable: true,
        retryAfter: 1,
        clientMessageId: `${agent.id}-${index}`,
      })
    }
    expect(agent.all('messageError').length).toBe(refused.length)
    await watcher.sawMany('messageBroadcast', accepted.length)
    expect(watcher.all('messageBroadcast').length).toBe(accepted.length)
    // A generic message is refused with its id as well.
    agent.received.length = 0
    const generic = { type: 2, payload: { channelId: 'events', message: 'm', messageId: 'inner' } }
    for (let index = 0; index < 2 * EVENTS_PER_SECOND; index += 1) agent.emit('message', generic)
    await agent.saw('messageError', { clientMessageId: 'inner', code: 'RATE_LIMITED' })
  })

  it('of an entity are counted over its gateways and with its requests', async () => {
    await using clients = new Clients(server.url)
    const dave = await as('dave')
    const [one, two] = await pairOf(clients, dave)
    const headers = { authorization: `Bearer ${await signed(claimsOf('dave'))}` }
    const seen = new Set<unknown>()
    // Too few for either alone to reach the limit: only what the first one used can be in the way.
    for (let round = 0; round < ENTITY_EVENTS_PER_SECOND / 4; round += 1) {
      const answers = await sendMany(one, EVENTS_PER_SECOND)
      if (answers.every(({ code }) => code === undefined)) continue
      const { code } = await two.request('leave', { channelId: 'nowhere' })
      const { status } = await fetch(`${server.url}/api/messaging/message-servers`, { headers })
      seen.add(code).add(status)
    }
    expect(seen).toContain('RATE_LIMITED')
    expect(seen).toContain(429)
    // What was too much in one second is over with it.
    await expect
      .poll(async () => (await two.request('leave', { channelId: 'nowhere' }))['code'], PATIENTLY)
      .toBeUndefined()
  })

  it('past ten times the limit close the transport with 4101, and the client comes back by itself', async () => {
    await using clients = new Clients(server.url)
    const auth = { apiKey: KEY, entityId: 'flood' }
    const [flood, stranger] = await clients.pair({ auth }, { auth: { ...auth, entityId: 'calm' } })
    flood.socket.on('disconnect', (reason, details) => {
      const context = details !== undefined && 'context' in details ? details.context : undefined
      const code = context instanceof Object && 'code' in context ? context.code : undefined
      flood.note('ended', { reason, code })
    })
    const sent = 60 * EVENTS_PER_SECOND
    for (let index = 0; index < sent; index += 1) flood.emit('leave', { channelId: 'nowhere' })
    expect(await stranger.send('events', 'in between')).toMatchObject({ channelId: 'events' })
    expect(await flood.saw('ended')).toMatchObject({ reason: 'transport close', code: 4101 })
    const refusals = flood.all('messageError').length
    expect(refusals).toBeGreaterThan(0)
    expect(refusals).toBeLessThan(sent - EVENTS_PER_SECOND)
    await flood.sawMany('connection_established', 2)
  })

  it('that were refused are in the log, a line for each limit, when the gateways end', async () => {
    const gateways = await pidsOf('gateway')
    server.process.child.kill('SIGUSR2')
    await eventually(
      async () => (await pidsOf('gateway')).every((pid) => !gateways.includes(pid)),
      { what: 'other gateways' },
    )
    const lines = server.process.lines.filter(({ msg }) => msg === 'limit reached')
    const limits = new Set(lines.map(({ limit }) => limit))
    expect(limits).toContain('events')
    expect(limits).toContain('entity-events')
    expect(limits).toContain('floods')
    expect(lines.length).toBeLessThan(40)
  })
})
