import { afterAll, beforeAll, expect, it } from 'vitest'
import { Clients } from '../compat/support/clients.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

const KEY = 'the-key-of-services'
const AS_SERVICE = { 'x-api-key': KEY }
/** More than any limit below lets through. */
const REQUESTS = 40

let server: TestServer
beforeAll(async () => {
  const settings = {
    PARLEY_GATEWAYS: '2',
    PARLEY_AGENT_HOSTS: '0',
    PARLEY_API_KEY: KEY,
    PARLEY_TRUST_PROXY: '0',
    PARLEY_REQUESTS_PER_SECOND: '1',
    PARLEY_CONNECTS_PER_SECOND: '1',
    PARLEY_MAX_CONNECTIONS_PER_ADDRESS: '1',
  }
  server = await startServer(settings, { headers: AS_SERVICE })
})
afterAll(() => server[Symbol.asyncDispose]())

/** What somebody writes who wants to be taken for another. */
const FORGED = [
  { 'x-forwarded-for': '203.0.113.9' },
  { 'x-forwarded-for': '203.0.113.9, 10.0.0.1' },
  { forwarded: 'for=203.0.113.9;host=evil.example;proto=https' },
  { 'x-real-ip': '203.0.113.9' },
  { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/x' },
  { 'x-original-url': '/api/server/stop', 'x-rewrite-url': '/api/server/stop' },
  { 'x-http-method-override': 'DELETE' },
]

it('with a key and no proxy that is believed, what requests say about their way changes nothing', async () => {
  const target = `${server.url}/api/messaging/message-servers`
  const asAre = await fetch(target, { headers: AS_SERVICE })
  const body = await asAre.text()
  for (const forged of FORGED) {
    const opened = await fetch(target, { headers: { ...AS_SERVICE, ...forged } })
    expect(opened.status).toBe(200)
    expect(await opened.text()).toBe(body)
    // Believed, it would make somebody of them who is limited: this machine is not.
    const refused = await Promise.all(
      Array.from(
        { length: REQUESTS },
        async () => (await fetch(target, { headers: forged })).status,
      ),
    )
    expect(new Set(refused)).toEqual(new Set([401]))
  }
})

it('nor what handshakes say about theirs', async () => {
  await using clients = new Clients(server.url)
  for (const forged of FORGED) {
    for (const transport of ['websocket', 'polling']) {
      const client = await clients.connect({
        auth: { apiKey: KEY, entityId: 'somebody' },
        transports: [transport],
        extraHeaders: forged,
      })
      expect(await client.join('lobby')).toMatchObject({ channelId: 'lobby' })
    }
  }
})
