import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KeyServer } from '../integration/support/key-server.ts'
import {
  claimsOf,
  forged,
  KeyPair,
  SECRET,
  secondsFromNow,
  signed,
} from '../integration/support/tokens.ts'
import { Clients } from '../compat/support/clients.ts'
import { dial } from '../compat/support/client.ts'
import type { ConnectOptions } from '../compat/support/client.ts'
import { startGuarded } from './support/guarded-server.ts'
import type { GuardedServer } from './support/guarded-server.ts'
import { runTool } from './support/tool.ts'

const KEY = 'the-key-of-services'
const ISSUER = 'https://login.example'
const SERVERS = '/api/messaging/message-servers'

const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` })

async function get(server: GuardedServer, headers: Record<string, string>) {
  const response = await fetch(`${server.url}${SERVERS}`, { headers })
  const body: unknown = await response.json()
  return { status: response.status, headers: response.headers, body }
}

/** What `connect_error` brings, as a stock client shows it. */
async function refusal(server: GuardedServer, options: ConnectOptions) {
  await using client = dial(server.url, options)
  client.socket.once('connect_error', (error) => {
    client.note('connect_error', {
      message: error.message,
      ...('data' in error ? { data: error.data } : {}),
    })
  })
  const { message, data } = await client.saw('connect_error')
  return { message, data }
}

/** That both edges refuse a token, each in its words. */
async function expectRefused(
  server: GuardedServer,
  token: string,
  code: 'TOKEN_INVALID' | 'TOKEN_EXPIRED',
): Promise<void> {
  const answer = await get(server, bearer(token))
  expect(answer).toMatchObject({ status: 401, body: { success: false, code } })
  expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  const told = { message: 'Invalid JWT token', data: { code, retryable: false } }
  expect(await refusal(server, { auth: { token, entityId: 'alice' } })).toEqual(told)
  const inHeader = { entityId: 'alice', extraHeaders: bearer(token), transports: ['polling'] }
  expect(await refusal(server, inHeader)).toEqual(told)
}

describe('a server with a key and a secret of tokens', () => {
  const environment = {
    PARLEY_API_KEY: KEY,
    PARLEY_JWT_SECRET: SECRET,
    PARLEY_JWT_ISSUER: ISSUER,
    PARLEY_JWT_AUDIENCE: 'parley',
    PARLEY_LOG_LEVEL: 'trace',
  }
  const issued = { iss: ISSUER, aud: 'parley' }
  let server: GuardedServer

  beforeAll(async () => {
    server = await startGuarded(environment)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('lets in whom a token names, by any way that a token may come', async () => {
    const token = await signed(claimsOf('alice', issued))
    expect(await get(server, bearer(token))).toMatchObject({ status: 200 })
    await using clients = new Clients(server.url)
    const ways: ConnectOptions[] = [
      { auth: { token } },
      { auth: { token, entityId: 'root', apiKey: KEY } },
      { auth: { token, entityId: 'no id at all' }, transports: ['polling'] },
      { entityId: 'root', extraHeaders: bearer(token) },
    ]
    for (const way of ways) {
      const client = await clients.connect(way)
      expect(await client.saw('authenticated')).toMatchObject({ entityId: 'alice' })
    }
  })

  it('lets in who has the key, as whom they say', async () => {
    expect(await get(server, { 'x-api-key': KEY })).toMatchObject({ status: 200 })
    expect(await get(server, bearer(KEY))).toMatchObject({ status: 200 })
    await using clients = new Clients(server.url)
    for (const auth of [{ apiKey: KEY }, { token: KEY }]) {
      const client = await clients.connect({ auth: { ...auth, entityId: 'bot' } })
      expect(await client.saw('authenticated')).toMatchObject({ entityId: 'bot' })
    }
  })

  it('refuses every token that is not its own, at both edges', async () => {
    const admin = claimsOf('alice', { ...issued, role: 'admin' })
    await expectRefused(server, forged({ alg: 'none' }, admin), 'TOKEN_INVALID')
    await expectRefused(server, await signed(admin, `${SECRET}!`), 'TOKEN_INVALID')
    await expectRefused(server, await new KeyPair('RS256', 'x').sign(admin), 'TOKEN_INVALID')
    await expectRefused(server, await signed({ ...admin, aud: 'x' }), 'TOKEN_INVALID')
    await expectRefused(server, await signed({ ...admin, sub: 'not an id' }), 'TOKEN_INVALID')
    await expectRefused(
      server,
      await signed({ ...admin, nbf: secondsFromNow(60) }),
      'TOKEN_INVALID',
    )
    await expectRefused(
      server,
      await signed({ ...admin, exp: secondsFromNow(-60) }),
      'TOKEN_EXPIRED',
    )
  })

  it('says what is missing as it always did', async () => {
    const answer = await get(server, { 'x-api-key': 'wrong' })
    expect(answer).toMatchObject({ status: 401, body: { error: 'API key required' } })
    const unknown = { code: 'UNAUTHENTICATED', retryable: false }
    expect(await refusal(server, { entityId: 'alice' })).toEqual({
      message: 'Invalid or missing API Key',
      data: unknown,
    })
    expect(await refusal(server, { auth: { apiKey: KEY } })).toEqual({
      message: 'Valid entityId required',
      data: unknown,
    })
  })

  describe('and `npm run token`', () => {
    it('makes a token that it takes, and prints nothing else', async () => {
      const args = [
        'token',
        '--sub',
        'bot',
        '--role',
        'agent',
        '--ttl',
        '5m',
        '--channel',
        'lobby=join',
      ]
      const { code, stdout, stderr } = await runTool(args, { environment })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const [, token = ''] = /^(\S+)\n$/.exec(stdout) ?? []
      const claims: unknown = JSON.parse(
        Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
      )
      const now = secondsFromNow(0)
      expect(claims).toMatchObject({
        ...issued,
        sub: 'bot',
        role: 'agent',
        channels: { lobby: ['join'] },
      })
      const { iat, exp } = claims as { readonly iat: number; readonly exp: number }
      expect(exp - iat).toBe(300)
      expect(Math.abs(now - iat)).toBeLessThan(60)
      await using clients = new Clients(server.url)
      const client = await clients.connect({ auth: { token } })
      expect(await client.saw('authenticated')).toMatchObject({ entityId: 'bot' })
    })

    it('says all that is wrong, and how it is done', async () => {
      const misused = await runTool(['token', '--role', 'boss'])
      expect(misused).toMatchObject({ code: 2, stdout: '' })
      for (const problem of [
        '--sub is missing',
        '--role: must be',
        'PARLEY_JWT_SECRET is not set',
      ]) {
        expect(misused.stderr).toContain(problem)
      }
      expect(misused.stderr).toContain('usage:')
      const short = { PARLEY_JWT_SECRET: 'hunter2' }
      const refused = await runTool(['token', '--sub', 'alice'], { environment: short })
      expect(refused).toMatchObject({ code: 1, stdout: '' })
      expect(refused.stderr).toContain('PARLEY_JWT_SECRET=[redacted]: must be at least 32 bytes')
      expect(refused.stderr).not.toContain('hunter2')
      const others = { PARLEY_JWKS_URL: 'https://login.example/keys' }
      const { stderr } = await runTool(['token', '--sub', 'alice'], { environment: others })
      expect(stderr).toContain('PARLEY_JWKS_URL is set')
      expect(await runTool(['token', '--help'])).toMatchObject({ code: 0, stderr: '' })
    })
  })

  it('has written neither secret nor key nor token anywhere', async () => {
    const token = await signed(claimsOf('a-name-that-nobody-reads', { ...issued, role: 'boss' }))
    await expectRefused(server, token, 'TOKEN_INVALID')
    await server.process.logged('token refused')
    for (const secret of [SECRET, KEY, token, ...token.split('.')]) {
      expect(server.output).not.toContain(secret)
    }
  })
})

describe('a server with the keys of an issuer', () => {
  it('refuses everybody while it has no keys, and takes their tokens once it has', async () => {
    await using issuer = await new KeyServer().up()
    const pair = new KeyPair('ES256', 'one')
    const other = new KeyPair('RS256', 'two')
    issuer.keys = [pair.jwk, other.jwk]
    await issuer.down()
    await using server = await startGuarded({ PARLEY_JWKS_URL: issuer.url, PARLEY_GATEWAYS: '1' })

    const token = await pair.sign(claimsOf('alice'))
    const answer = await get(server, bearer(token))
    expect(answer).toMatchObject({ status: 503, body: { code: 'AUTH_UNAVAILABLE' } })
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await refusal(server, { auth: { token } })).toEqual({
      message: 'Authentication failed',
      data: { code: 'AUTH_UNAVAILABLE', retryable: true },
    })
    expect(await refusal(server, { entityId: 'alice' })).toEqual({
      message: 'JWT token required for data isolation',
      data: { code: 'UNAUTHENTICATED', retryable: false },
    })

    await issuer.up()
    await expect
      .poll(async () => (await get(server, bearer(token))).status, { timeout: 10_000 })
      .toBe(200)
    await using clients = new Clients(server.url)
    const client = await clients.connect({ auth: { token } })
    expect(await client.saw('authenticated')).toMatchObject({ entityId: 'alice' })

    // Key confusion: the public key, which anybody may have, taken for a secret.
    const admin = claimsOf('alice', { role: 'admin' })
    await expectRefused(server, await signed(admin, other.pem, { kid: 'two' }), 'TOKEN_INVALID')
    await expectRefused(server, await signed(admin, SECRET), 'TOKEN_INVALID')
    await expectRefused(server, await pair.sign(admin, { kid: 'three' }), 'TOKEN_INVALID')
    await expectRefused(server, forged({ alg: 'none', kid: 'one' }, admin), 'TOKEN_INVALID')
  })
})

it('a start with contradictory settings of tokens names them all, without a secret', async () => {
  const environment = {
    PARLEY_HOST: '0.0.0.0',
    PARLEY_JWT_SECRET: SECRET,
    PARLEY_JWKS_URL: 'http://login.example/keys',
    PARLEY_JWT_TOLERANCE_MS: 'some',
  }
  const { code, stderr } = await runTool([], { environment })
  expect(code).toBe(1)
  expect(stderr).toContain('PARLEY_JWKS_URL="http://login.example/keys": must be an https URL')
  expect(stderr).toContain('PARLEY_JWT_TOLERANCE_MS="some"')
  expect(stderr).not.toContain(SECRET)
})
