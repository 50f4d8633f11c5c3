import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bearer, callerOf, handshake, identityWith } from './support/identities.ts'
import type { TestIdentity } from './support/identities.ts'
import { KeyServer } from './support/key-server.ts'
import { claimsOf, forged, KeyPair, SECRET, signed } from './support/tokens.ts'

const PAIRS = (['RS256', 'PS256', 'ES256', 'EdDSA'] as const).map(
  (algorithm) => new KeyPair(algorithm, algorithm.toLowerCase()),
)
const [rsa = new KeyPair('RS256', '')] = PAIRS
const stranger = new KeyPair('RS256', 'stranger')
/** Stands in the key set, with a signature that nobody is asked to take. */
const unwanted = new KeyPair('RS512', 'unwanted')
const weak = new KeyPair('RS256', 'weak', 1_024)
const secretAsKey = { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), kid: 'secret' }

const admin = claimsOf('alice', { role: 'admin' })

describe('with the keys of an issuer', () => {
  const server = new KeyServer()
  let issued: TestIdentity

  beforeAll(async () => {
    await server.up()
    server.keys = [...[...PAIRS, unwanted, weak].map(({ jwk }) => jwk), secretAsKey]
    issued = identityWith({ PARLEY_JWKS_URL: server.url })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it.each(PAIRS)('a token of $algorithm names its subject', async (pair) => {
    expect(await callerOf(issued, await pair.sign(admin))).toMatchObject({
      role: 'admin',
      entityId: 'alice',
    })
  })

  it('fetches them once for all of these, also at the same time', async () => {
    const fresh = identityWith({ PARLEY_JWKS_URL: server.url })
    const before = server.requestCount
    const tokens = await Promise.all(
      Array.from({ length: 8 }, (_, index) => rsa.sign(claimsOf(`user-${index}`))),
    )
    await Promise.all(tokens.map((token) => callerOf(fresh, token)))
    expect(server.requestCount - before).toBe(1)
  })

  it.each([
    ['signed with a public key as if it were a secret', signed(admin, rsa.pem)],
    ['so signed, by the name of that key', signed(admin, rsa.pem, { kid: rsa.kid })],
    ['signed with the secret that stands among the keys', signed(admin, SECRET, { kid: 'secret' })],
    ['without an algorithm', forged({ alg: 'none', kid: rsa.kid }, admin)],
    ['of an algorithm that is not wanted', unwanted.sign(admin)],
    ['of a key that is too weak', weakToken()],
    ['of a key that is not among them', stranger.sign(admin)],
    ['of another key than it says', stranger.sign(admin, { kid: rsa.kid })],
    [
      'of another key that it brings along',
      stranger.sign(admin, { kid: rsa.kid, jwk: stranger.jwk }),
    ],
    ['of another kind of signature than its key’s', rsa.sign(admin, { kid: 'es256' })],
    [
      'of a key that it does not name, where several fit',
      rsa.sign(admin, { kid: undefined as never }),
    ],
  ])('a token %s names nobody', async (_what, token) => {
    expect(await callerOf(issued, await token)).toBe('TOKEN_INVALID')
  })

  it('asks for unknown keys no more than now and then', async () => {
    const before = server.requestCount
    for (let index = 0; index < 20; index += 1) {
      const token = await stranger.sign(admin, { kid: `guess-${index}` })
      expect(await callerOf(issued, token)).toBe('TOKEN_INVALID')
    }
    expect(server.requestCount).toBe(before)
  })
})

describe('when the issuer changes its keys', () => {
  beforeAll(() => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
  })
  afterAll(() => {
    vi.useRealTimers()
  })

  it('the new key is taken within half a minute, the old one no longer after ten', async () => {
    await using server = await new KeyServer().up()
    const next = new KeyPair('ES256', 'next')
    server.keys = [rsa.jwk]
    const issued = identityWith({ PARLEY_JWKS_URL: server.url })
    const old = await rsa.sign(admin)
    expect(await callerOf(issued, old)).toMatchObject({ entityId: 'alice' })
    server.keys = [next.jwk]
    expect(await callerOf(issued, await next.sign(admin))).toBe('TOKEN_INVALID')
    vi.advanceTimersByTime(30_000)
    expect(await callerOf(issued, await next.sign(admin))).toMatchObject({ entityId: 'alice' })
    expect(await callerOf(issued, await rsa.sign(claimsOf('bob')))).toBe('TOKEN_INVALID')
    expect(await callerOf(issued, old)).toMatchObject({ entityId: 'alice' })
    vi.advanceTimersByTime(570_000)
    expect(await callerOf(issued, old)).toBe('TOKEN_INVALID')
  })

  it('a key that is only withdrawn is not taken after ten minutes either', async () => {
    await using server = await new KeyServer().up()
    server.keys = [rsa.jwk]
    const issued = identityWith({ PARLEY_JWKS_URL: server.url })
    expect(await callerOf(issued, await rsa.sign(admin))).toMatchObject({ entityId: 'alice' })
    server.keys = []
    vi.advanceTimersByTime(600_000)
    expect(await callerOf(issued, await rsa.sign(claimsOf('bob')))).toBe('TOKEN_INVALID')
  })
})

/** What the library would not sign itself. */
function weakToken(): string {
  const unsigned = forged({ alg: 'RS256', kid: 'weak' }, admin)
  return `${unsigned}${weak.rawSignature(unsigned.slice(0, -1))}`
}

describe('while keys cannot be had', () => {
  it('nobody is let in, and everybody is once they can', async () => {
    await using server = await new KeyServer().up()
    server.keys = [rsa.jwk]
    await server.down()
    const issued = identityWith({ PARLEY_JWKS_URL: server.url })
    const token = await rsa.sign(admin)
    expect(await callerOf(issued, token)).toBe('AUTH_UNAVAILABLE')
    expect(await callerOf(issued, await stranger.sign(admin))).toBe('AUTH_UNAVAILABLE')
    // What no key could make true is not a matter of keys.
    expect(await callerOf(issued, forged({ alg: 'none' }, admin))).toBe('TOKEN_INVALID')
    expect(issued.logged()).toContain('ECONNREFUSED')
    await server.up()
    await expect
      .poll(() => callerOf(issued, token), { timeout: 10_000 })
      .toMatchObject({ entityId: 'alice' })
    // What was verified goes on without them; so do keys that are known.
    await server.down()
    expect(issued.identity.callerOfRequest(bearer(token))).toMatchObject({ entityId: 'alice' })
    const other = await rsa.sign(claimsOf('bob'))
    expect(await callerOf(issued, other)).toMatchObject({ entityId: 'bob' })
  })

  it('their server is asked once a second at most', async () => {
    await using server = await new KeyServer().up()
    server.answer = () => ({ status: 500, body: '{}' })
    const issued = identityWith({ PARLEY_JWKS_URL: server.url })
    for (let index = 0; index < 50; index += 1) {
      const token = await rsa.sign(claimsOf(`user-${index}`))
      expect(await callerOf(issued, token)).toBe('AUTH_UNAVAILABLE')
    }
    const lines = issued.logged().trim().split('\n')
    expect(lines).toHaveLength(server.requestCount)
    expect(lines[0]).toContain("the key set's server answered 500")
    expect(server.requestCount).toBeLessThan(25)
  })

  it.each([
    ['no JSON', 200, '<html>'],
    ['no key set', 200, '{"keys":"none"}'],
    ['another place', 302, ''],
    ['far too much', 200, JSON.stringify({ keys: [], padding: 'x'.repeat(300_000) })],
  ])('because their server answers %s, nobody is let in', async (_what, status, body) => {
    await using server = await new KeyServer().up()
    server.answer = () => ({ status, body })
    const issued = identityWith({ PARLEY_JWKS_URL: server.url })
    const token = await rsa.sign(admin)
    expect(await callerOf(issued, token)).toBe('AUTH_UNAVAILABLE')
    expect(await handshake(issued, { token })).toContain('cannot be had')
  })

  it('because their server never answers, nobody waits for ever', async () => {
    await using server = await new KeyServer().up()
    server.answer = () => undefined
    const issued = identityWith({ PARLEY_JWKS_URL: server.url })
    expect(await callerOf(issued, await rsa.sign(admin))).toBe('AUTH_UNAVAILABLE')
  })
})
