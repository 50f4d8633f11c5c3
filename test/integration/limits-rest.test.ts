import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startRest } from './support/rest-server.ts'
import type { Answer, RestServer } from './support/rest-server.ts'
import { claimsOf, SECRET, signed } from './support/tokens.ts'

const KEY = 'the-key'
const PATH = '/api/messaging/message-servers'
const CLIENT = '203.0.113.9'

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address })

const times = (count: number, status: number): number[] =>
  Array.from({ length: count }, () => status)

describe('the limits of REST', () => {
  let server: RestServer
  let nowMs: number

  beforeEach(() => {
    nowMs = 10_250
  })
  afterEach(() => server[Symbol.asyncDispose]())

  async function start(trustProxy = 1): Promise<void> {
    server = await startRest({
      settings: {
        apiKey: KEY,
        jwtSecret: SECRET,
        trustProxy,
        requestsPerSecond: 3,
        entityEventsPerSecond: 5,
        keyRequestsPerSecond: 8,
      },
      nowMs: () => nowMs,
    })
  }

  async function statuses(
    count: number,
    headers: Record<string, string>,
    path = PATH,
  ): Promise<readonly number[]> {
    const answers: Answer[] = []
    for (let index = 0; index < count; index += 1) {
      answers.push(await server.call('GET', path, undefined, headers))
    }
    return answers.map(({ status }) => status)
  }

  it('refuse an address past its requests with 429, Retry-After and RateLimit headers', async () => {
    await start()
    const alice = { ...bearer(await signed(claimsOf('alice'))), ...from(CLIENT) }
    expect(await statuses(3, alice)).toEqual(times(3, 200))
    const refused = await server.call('GET', PATH, undefined, alice)
    expect(refused.status).toBe(429)
    expect(refused.body).toEqual({
      success: false,
      error: 'Too many requests; try again after a while.',
      code: 'RATE_LIMITED',
    })
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      'retry-after': '1',
      'ratelimit-limit': '3',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '1',
      'ratelimit-policy': '3;w=1',
    })
    const system = await server.call('GET', '/api/server/cluster', undefined, alice)
    expect(system.body.error).toMatchObject({ code: 429 })
    expect(server.limits.counts().requests).toBe(2)
    nowMs += 750
    expect(await statuses(4, alice)).toEqual([...times(3, 200), 429])
  })

  it('count an address whoever asks, and by the entry that the proxy wrote', async () => {
    await start()
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((sub) => signed(claimsOf(sub))))
    expect(await statuses(2, { ...bearer(alice ?? ''), ...from(CLIENT) })).toEqual(times(2, 200))
    const forged = { ...bearer(bob ?? ''), ...from(`198.51.100.1, ${CLIENT}`) }
    expect(await statuses(2, forged)).toEqual([200, 429])
    expect(await statuses(3, { ...bearer(bob ?? ''), ...from('203.0.113.10') })).toEqual(
      times(3, 200),
    )
  })

  it('count whoever proves nothing, so that keys and tokens are not guessed without end', async () => {
    await start()
    const guesses = { 'x-api-key': 'a guess', ...from(CLIENT) }
    expect(await statuses(5, guesses)).toEqual([401, 401, 401, 429, 429])
    expect(await statuses(5, { ...from('203.0.113.11') }, '/openapi.json')).toEqual([
      ...times(3, 200),
      429,
      429,
    ])
    // Health is counted by itself: what else comes from a proxy's address does not make the server look ill.
    expect(await statuses(5, from('203.0.113.11'), '/healthz')).toEqual([
      ...times(3, 200),
      429,
      429,
    ])
  })

  it('hold an entity to its own, wherever it asks from, and agents and administrators to none', async () => {
    await start()
    const alice = bearer(await signed(claimsOf('alice')))
    expect(await statuses(3, { ...alice, ...from(CLIENT) })).toEqual(times(3, 200))
    expect(await statuses(4, alice)).toEqual([200, 200, 429, 429])
    expect(server.limits.counts()['entity-events']).toBe(2)
    for (const role of ['agent', 'admin']) {
      const token = await signed(claimsOf('helper', { role }))
      expect(await statuses(9, { ...bearer(token), ...from(CLIENT) })).toEqual(times(9, 200))
    }
  })

  it('hold the key to its own limit and to no address', async () => {
    await start()
    const service = { 'x-api-key': KEY, ...from(CLIENT) }
    expect(await statuses(10, service)).toEqual([...times(8, 200), 429, 429])
    expect(server.limits.counts()['key-requests']).toBe(2)
    // What the key has used up is nobody else's.
    const alice = bearer(await signed(claimsOf('alice')))
    expect(await statuses(1, { ...alice, ...from(CLIENT) })).toEqual([200])
  })

  it('do not look at a header that no declared proxy wrote, and never count loopback', async () => {
    await start(0)
    const agentless = { 'x-api-key': 'a guess' }
    for (const address of [CLIENT, '127.0.0.1', '']) {
      expect(await statuses(6, { ...agentless, ...from(address) })).toEqual(times(6, 401))
    }
    const word = { ...agentless, 'x-parley-client-address': CLIENT }
    expect(await statuses(6, word)).toEqual(times(6, 401))
  })

  it('are one log line a minute, and readable as counts', async () => {
    await start()
    const guesses = { 'x-api-key': 'a guess', ...from(CLIENT) }
    await statuses(20, guesses)
    server.limits.close()
    const lines = server.lines.filter(({ msg }) => msg === 'limit reached')
    expect(lines).toMatchObject([{ limit: 'requests', count: 17, level: 40 }])
  })
})
