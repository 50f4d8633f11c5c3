import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeferred } from '../../src/util/deferred.ts'
import type { Client } from '../compat/support/client.ts'
import { Clients } from '../compat/support/clients.ts'
import { claimsOf, SECRET, secondsFromNow, signed } from '../integration/support/tokens.ts'
import { createChannel } from './support/rest.ts'
import { startGuarded } from './support/guarded-server.ts'
import type { GuardedServer } from './support/guarded-server.ts'

const KEY = 'the-key-of-services'
/** Seconds that a short token has: enough to connect and join on a busy machine. */
const SHORT_SECONDS = 4

let server: GuardedServer

beforeAll(async () => {
  server = await startGuarded({
    PARLEY_API_KEY: KEY,
    PARLEY_JWT_SECRET: SECRET,
    PARLEY_JWT_TOLERANCE_MS: '0',
  })
})
afterAll(() => server[Symbol.asyncDispose]())

/** Notes how and when the connection ends, and whatever keeps the client from coming back. */
function watchEnds(client: Client): void {
  client.socket.on('disconnect', (reason, details) => {
    const context = details !== undefined && 'context' in details ? details.context : undefined
    const code = context instanceof Object && 'code' in context ? context.code : undefined
    client.note('ended', { reason, code, atMs: Date.now() })
  })
  client.socket.on('connect_error', (error) => {
    const data = 'data' in error ? error.data : undefined
    client.note('refused', { message: error.message, data })
  })
}

describe.concurrent('a connection whose token expires', () => {
  it.each([
    { transports: ['websocket'], code: 4200 },
    { transports: ['polling'], code: undefined },
  ] as const)(
    'over $transports is closed, comes back with the next token, and misses nothing',
    async ({ transports, code }) => {
      const [channelId] = transports
      await createChannel(server.url, channelId, { 'x-api-key': KEY })
      await using clients = new Clients(server.url)
      const bob = await clients.connect({ auth: { token: await signed(claimsOf('bob')) } })
      const exp = secondsFromNow(SHORT_SECONDS)
      const next = createDeferred<string>()
      const tokens = [signed(claimsOf('alice', { exp })), next.promise]
      const alice = await clients.connect({
        transports: [...transports],
        // As an application does it: asked anew for every connection.
        auth: (answer) => {
          const give = async (): Promise<void> => {
            answer({ token: await tokens.shift() })
          }
          void give()
        },
      })
      watchEnds(alice)
      const { epoch, seq } = await alice.join(channelId)
      await bob.join(channelId)
      await bob.send(channelId, 'before')
      await alice.saw('messageBroadcast', { text: 'before' })

      const ended = await alice.saw('ended')
      expect(ended['code']).toBe(code)
      expect(ended['atMs']).toBeGreaterThanOrEqual(exp * 1_000)
      await bob.send(channelId, 'meanwhile')
      alice.received.length = 0
      next.resolve(await signed(claimsOf('alice')))

      expect(await alice.saw('authenticated')).toMatchObject({ entityId: 'alice' })
      const since = { epoch, seq: Number(seq) + 1 }
      expect(await alice.join(channelId, { since })).toMatchObject({ recovered: true })
      await bob.send(channelId, 'after')
      await alice.saw('messageBroadcast', { text: 'after' })
      expect(alice.all('messageBroadcast').map(({ text }) => text)).toEqual(['meanwhile', 'after'])
      expect(alice.all('ended')).toEqual([])
    },
  )

  it('is refused with the old token, which nothing revives, while others stay', async () => {
    await using clients = new Clients(server.url)
    const forever = await clients.connect({ auth: { token: await signed({ sub: 'carol' }) } })
    watchEnds(forever)
    const token = await signed(claimsOf('alice', { exp: secondsFromNow(SHORT_SECONDS) }))
    const alice = clients.dial({ auth: { token } })
    watchEnds(alice)
    expect(await alice.saw('refused')).toEqual({
      message: 'Invalid JWT token',
      data: { code: 'TOKEN_EXPIRED', retryable: false },
    })
    expect(alice.all('ended').map(({ code }) => code)).toEqual([4200])
    // The stock client waits for its application now.
    expect(alice.socket.active).toBe(false)
    const answer = await fetch(`${server.url}/api/messaging/message-servers`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(answer.status).toBe(401)
    await forever.roundTrip()
    expect(forever.all('ended')).toEqual([])
  })
})
