import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { startRest } from './support/rest-server.ts'
import type { RestServer } from './support/rest-server.ts'

const SERVERS = '/api/messaging/message-servers'

/** A call with headers that `fetch` does not let anyone set. */
async function rawGet(server: RestServer, path: string, headers: Record<string, string>) {
  const outgoing = request(`${server.url}${path}`, { headers }).end()
  const [response]: IncomingMessage[] = await once(outgoing, 'response')
  if (response === undefined) throw new Error('no response')
  return { status: response.statusCode, body: JSON.parse(await text(response)) }
}

/** What HTTP/1.0 without a Host is answered, as a load balancer's probe sends it. */
async function oldGet(server: RestServer, path: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.write(`GET ${path} HTTP/1.0\r\n\r\n`)
  return (await text(socket)).split('\r\n')[0] ?? ''
}

describe('a request without a Host', () => {
  it.each(['/healthz', '/readyz', '/health'])('is served by the probe %s', async (path) => {
    await using server = await startRest()
    expect(await oldGet(server, path)).toBe('HTTP/1.1 200 OK')
  })

  it.each([SERVERS, '/', '/docs', '/openapi.json'])(
    'is refused in open mode by %s',
    async (path) => {
      await using server = await startRest()
      expect(await oldGet(server, path)).toBe('HTTP/1.1 403 Forbidden')
    },
  )

  it('is served where a key, or nothing, is asked for', async () => {
    await using keyed = await startRest({ settings: { apiKey: 's3cret' } })
    expect(await oldGet(keyed, '/openapi.json')).toBe('HTTP/1.1 200 OK')
    expect(await oldGet(keyed, SERVERS)).toBe('HTTP/1.1 401 Unauthorized')
    await using insecure = await startRest({ settings: { isInsecure: true } })
    expect(await oldGet(insecure, SERVERS)).toBe('HTTP/1.1 200 OK')
  })
})

describe('with a key', () => {
  const settings = { apiKey: 's3cret' }

  it.each([
    ['none', {}],
    ['a wrong one', { 'x-api-key': 'wrong' }],
    ['an empty one', { 'x-api-key': '' }],
    ['a wrong bearer', { authorization: 'Bearer wrong' }],
  ])('every /api route, known or not, refuses %s', async (_what, headers) => {
    await using server = await startRest({ settings })
    for (const path of [SERVERS, '/api/agents', '/api/server/ping', '/api/nope']) {
      const answer = await server.call('GET', path, undefined, headers)
      expect(answer.status).toBe(401)
      expect(answer.body).toEqual({
        error: 'API key required',
        message: 'Missing or invalid X-API-KEY header',
      })
    }
  })

  it.each([{ 'x-api-key': 's3cret' }, { authorization: 'Bearer s3cret' }])(
    'opens with %j',
    async (headers) => {
      await using server = await startRest({ settings })
      expect((await server.call('GET', SERVERS, undefined, headers)).status).toBe(200)
    },
  )

  it.each(['/healthz', '/health', '/readyz', '/openapi.json', '/docs'])(
    'is not asked for at %s',
    async (path) => {
      await using server = await startRest({ settings })
      expect((await server.call('GET', path)).status).toBe(200)
    },
  )

  it('serves any host, also behind a proxy', async () => {
    await using server = await startRest({ settings })
    const headers = { host: 'chat.example', 'x-forwarded-for': '1.2.3.4', 'x-api-key': 's3cret' }
    expect((await rawGet(server, SERVERS, headers)).status).toBe(200)
  })

  it('stops the server, which open mode does not offer', async () => {
    await using server = await startRest({ settings })
    const path = '/api/server/stop'
    expect((await server.call('POST', path)).status).toBe(401)
    expect(server.cluster.stops).toBe(0)
    const answer = await server.call('POST', path, undefined, { 'x-api-key': 's3cret' })
    expect(answer.body).toEqual({ message: 'Server stopping...' })
    expect(server.cluster.stops).toBe(1)
    await using open = await startRest()
    expect((await open.call('POST', path)).status).toBe(404)
    await using insecure = await startRest({ settings: { isInsecure: true } })
    expect((await insecure.call('POST', path)).status).toBe(404)
  })
})

describe('in open mode', () => {
  const FOREIGN = [
    { host: 'evil.example' },
    { 'x-forwarded-for': '1.2.3.4' },
    { forwarded: 'for=1.2.3.4' },
    { 'x-real-ip': '1.2.3.4' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
  ]

  it.each(FOREIGN)('refuses %j and says how to lift it', async (headers) => {
    await using server = await startRest()
    const { status, body } = await rawGet(server, SERVERS, headers)
    expect(status).toBe(403)
    expect(body).toMatchObject({ success: false, code: 'ORIGIN_FORBIDDEN' })
    expect(body.error).toContain('PARLEY_API_KEY')
  })

  it.each(FOREIGN)('serves %j when insecure', async (headers) => {
    await using server = await startRest({ settings: { isInsecure: true } })
    expect((await rawGet(server, SERVERS, headers)).status).toBe(200)
  })

  it('serves pages of this machine', async () => {
    await using server = await startRest()
    const headers = { origin: 'http://localhost:5173' }
    expect((await rawGet(server, SERVERS, headers)).status).toBe(200)
  })

  it('answers probes under any name', async () => {
    await using server = await startRest()
    for (const path of ['/healthz', '/readyz', '/health']) {
      expect((await rawGet(server, path, { host: 'probe.example' })).status).toBe(200)
    }
  })
})

describe('cross-origin requests', () => {
  const origin = 'http://localhost:5173'

  async function preflight(server: RestServer) {
    return fetch(`${server.url}${SERVERS}`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
  }

  it('are allowed from everywhere by default, never with credentials', async () => {
    await using server = await startRest()
    const response = await preflight(server)
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
    const allowed = response.headers.get('access-control-allow-headers')?.split(',')
    expect(allowed).toEqual(['Content-Type', 'Authorization', 'X-API-KEY', 'X-Entity-Id'])
  })

  it('need no key before they are asked for', async () => {
    await using server = await startRest({ settings: { apiKey: 's3cret' } })
    expect((await preflight(server)).status).toBe(204)
    const refused = await server.call('GET', SERVERS, undefined, { origin })
    expect(refused.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('are allowed from the listed origins only', async () => {
    await using server = await startRest({
      settings: { corsOrigin: `https://a.example, ${origin}` },
    })
    const listed = await server.call('GET', SERVERS, undefined, { origin })
    expect(listed.headers.get('access-control-allow-origin')).toBe(origin)
    expect(listed.headers.get('vary')).toBe('Origin')
    const other = await server.call('GET', SERVERS, undefined, { origin: 'http://localhost:1' })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  })
})

it.each([SERVERS, '/api/nope', '/docs', '/healthz'])(
  '%s carries security headers',
  async (path) => {
    await using server = await startRest()
    const { headers } = await server.call('GET', path)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('x-powered-by')).toBeNull()
  },
)
