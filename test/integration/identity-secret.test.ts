import { describe, expect, it } from 'vitest'
import { bearer, callerOf, handshake, identityWith } from './support/identities.ts'
import { claimsOf, forged, KeyPair, SECRET, secondsFromNow, signed } from './support/tokens.ts'

const KEY = 'the-key-of-services'
const ISSUER = 'https://login.example'

const withSecret = identityWith({ PARLEY_JWT_SECRET: SECRET })
const withBoth = identityWith({ PARLEY_JWT_SECRET: SECRET, PARLEY_API_KEY: KEY })
const withChecks = identityWith({
  PARLEY_JWT_SECRET: SECRET,
  PARLEY_JWT_ISSUER: ISSUER,
  PARLEY_JWT_AUDIENCE: 'parley',
})

describe('a token signed with the secret', () => {
  it('names its subject, role, grants and end, at both edges', async () => {
    const exp = secondsFromNow(60)
    const channels = { 'support-*': ['join', 'read'] }
    const token = await signed({ sub: 'bot', role: 'agent', channels, exp })
    const caller = {
      role: 'agent',
      entityId: 'bot',
      grants: [{ pattern: 'support-*', allow: ['join', 'read'] }],
      expiresAtMs: exp * 1_000 + 5_000,
    }
    expect(await callerOf(withSecret, token)).toEqual(caller)
    // Now it is remembered, and needs no promise.
    expect(withSecret.identity.callerOfRequest(bearer(token))).toEqual(caller)
  })

  it('names a user, for ever, when it says no more', async () => {
    expect(await callerOf(withSecret, await signed({ sub: 'alice' }))).toEqual({
      role: 'user',
      entityId: 'alice',
      grants: undefined,
      expiresAtMs: undefined,
    })
  })

  it.each([
    ['expired within the tolerance', { exp: secondsFromNow(-2) }, 'alice'],
    ['expired beyond the tolerance', { exp: secondsFromNow(-6) }, 'TOKEN_EXPIRED'],
    ['valid soon, within the tolerance', { nbf: secondsFromNow(3) }, 'alice'],
    ['valid later', { nbf: secondsFromNow(30) }, 'TOKEN_INVALID'],
    [
      'that names a UUID in capitals',
      { sub: 'ABCDEF00-0000-4000-8000-00000000000F' },
      'abcdef00-0000-4000-8000-00000000000f',
    ],
    ['whose subject is no id', { sub: 'alice smith' }, 'TOKEN_INVALID'],
    ['without a subject', { sub: undefined }, 'TOKEN_INVALID'],
    ['with an unknown role', { role: 'service' }, 'TOKEN_INVALID'],
    ['with malformed channels', { channels: { lobby: 'join' } }, 'TOKEN_INVALID'],
    [
      'with more channels than there may be',
      { channels: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`c${i}`, []])) },
      'TOKEN_INVALID',
    ],
    ['from whatever issuer, for whatever audience', { iss: 'x', aud: 'y' }, 'alice'],
  ])('%s is judged so', async (_what, others, expected) => {
    const outcome = await callerOf(withSecret, await signed(claimsOf('alice', others)))
    expect(typeof outcome === 'string' ? outcome : outcome.entityId).toBe(expected)
  })

  it('is refused from the moment on at which it expires, though it was taken before', async () => {
    const strict = identityWith({ PARLEY_JWT_SECRET: SECRET, PARLEY_JWT_TOLERANCE_MS: '0' })
    const token = await signed({ sub: 'alice', exp: secondsFromNow(2) })
    const exp = (await callerOf(strict, token)) as { readonly expiresAtMs: number }
    await expect
      .poll(() => callerOf(strict, token), { timeout: 5_000, interval: 50 })
      .toBe('TOKEN_EXPIRED')
    expect(Date.now()).toBeGreaterThanOrEqual(exp.expiresAtMs)
  })

  it.each([
    ['as they are', { iss: ISSUER, aud: 'parley' }, 'alice'],
    ['with one audience of several', { iss: ISSUER, aud: ['other', 'parley'] }, 'alice'],
    ['with another issuer', { iss: `${ISSUER}/`, aud: 'parley' }, 'TOKEN_INVALID'],
    ['with another audience', { iss: ISSUER, aud: 'parley2' }, 'TOKEN_INVALID'],
    ['without an issuer', { aud: 'parley' }, 'TOKEN_INVALID'],
    ['without an audience', { iss: ISSUER }, 'TOKEN_INVALID'],
  ])('is held to issuer and audience where they are set: %s', async (_what, others, expected) => {
    const outcome = await callerOf(withChecks, await signed(claimsOf('alice', others)))
    expect(typeof outcome === 'string' ? outcome : outcome.entityId).toBe(expected)
  })
})

const admin = claimsOf('alice', { role: 'admin' })
const TAKEN = await signed(admin)

describe('a token that is not signed with the secret', () => {
  const pair = new KeyPair('RS256', 'key-1')
  const [head = '', body = '', signature = ''] = TAKEN.split('.')
  const otherBody = forged({}, { ...admin, sub: 'root' }).split('.')[1] ?? ''

  it.each([
    ['with another secret', signed(admin, `${SECRET}!`)],
    ['with no algorithm', forged({ alg: 'none' }, admin)],
    ['with no algorithm, in capitals', forged({ alg: 'NONE' }, admin)],
    ['with no algorithm, and a signature', forged({ alg: 'none' }, admin, signature)],
    ['with another algorithm of the secret', signed(admin, SECRET, { alg: 'HS512' })],
    ['with a key pair', pair.sign(admin)],
    ['with a key that it brings along', pair.sign(admin, { jwk: pair.jwk })],
    ['without a signature', `${head}.${body}.`],
    ['with the signature of other claims', `${head}.${otherBody}.${signature}`],
    ['with a part too many', `${head}.${body}.${signature}.x`],
    ['that is no token', 'token'],
    ['that is too long to be read', `${head}.${body}.${'A'.repeat(131_072)}`],
  ])('names nobody: %s', async (_what, token) => {
    expect(await callerOf(withBoth, await token)).toBe('TOKEN_INVALID')
    expect(await callerOf(withSecret, TAKEN)).toMatchObject({ role: 'admin' })
  })
})

describe('key and tokens together', () => {
  const token = signed(claimsOf('alice'))
  const expired = signed(claimsOf('alice', { exp: 1 }))

  it('open to either, the key also as a bearer', async () => {
    const { identity } = withBoth
    expect(identity.callerOfRequest({ 'x-api-key': KEY })).toMatchObject({ role: 'service' })
    expect(identity.callerOfRequest(bearer(KEY))).toMatchObject({ role: 'service' })
    expect(await identity.callerOfRequest(bearer(await token))).toMatchObject({ role: 'user' })
    expect(await handshake(withBoth, { apiKey: KEY, entityId: 'bob' })).toBe('service bob')
    expect(await handshake(withBoth, { token: KEY, entityId: 'bob' })).toBe('service bob')
    expect(await handshake(withBoth, { entityId: 'bob' }, bearer(KEY))).toBe('service bob')
    expect(await handshake(withBoth, { apiKey: KEY })).toBe('Valid entityId required')
  })

  it('let the token say who it is, beside whatever else is said', async () => {
    const both = { 'x-api-key': KEY, ...bearer(await token) }
    expect(await withBoth.identity.callerOfRequest(both)).toMatchObject({ role: 'user' })
    const auth = { apiKey: KEY, token: await token, entityId: 'root' }
    expect(await handshake(withBoth, auth)).toBe('user alice')
    expect(await handshake(withBoth, { ...auth, apiKey: 'wrong', entityId: 7 })).toBe('user alice')
  })

  it('do not take the key in place of a token that is refused', async () => {
    const both = { 'x-api-key': KEY, ...bearer(await expired) }
    await expect(withBoth.identity.callerOfRequest(both)).rejects.toMatchObject({
      code: 'TOKEN_EXPIRED',
    })
    const auth = { apiKey: KEY, token: 'nonsense', entityId: 'root' }
    expect(await handshake(withBoth, auth)).toBe('Invalid JWT token')
  })
})

describe('a handshake that proves nothing is told so in elizaOS’s words', () => {
  const withKey = identityWith({ PARLEY_API_KEY: KEY })
  const open = identityWith({})

  it.each([
    ['needs a key', withKey, { entityId: 'a' }, 'Invalid or missing API Key'],
    ['needs the right key', withKey, { entityId: 'a', apiKey: 'x' }, 'Invalid or missing API Key'],
    ['has no tokens', withKey, { entityId: 'a', token: 'x' }, 'JWT authentication not configured'],
    ['ignores tokens', withKey, { entityId: 'a', token: 'x', apiKey: KEY }, 'service a'],
    ['needs a token', withSecret, { entityId: 'a' }, 'JWT token required for data isolation'],
    [
      'needs a token, not a key',
      withSecret,
      { apiKey: KEY },
      'JWT token required for data isolation',
    ],
    ['needs one of them', withBoth, { entityId: 'a', token: '' }, 'Invalid or missing API Key'],
    ['needs nothing', open, {}, 'anyone undefined'],
    ['needs nothing, not even true tokens', open, { entityId: 'a', token: 'x' }, 'anyone a'],
    ['needs no nonsense', open, { entityId: '..' }, 'Valid entityId required'],
  ])('where the server %s', async (...[, server, auth, expected]) => {
    expect(await handshake(server, auth)).toBe(expected)
  })

  it('and a request by the code', () => {
    for (const { identity } of [withKey, withSecret, withBoth]) {
      for (const headers of [{}, { 'x-api-key': '' }, { 'x-api-key': 'wrong' }]) {
        expect(() => identity.callerOfRequest(headers)).toThrow(
          expect.objectContaining({ code: 'UNAUTHENTICATED' }),
        )
      }
    }
  })
})

it('logs neither secret, key, token nor claims, at any level', async () => {
  const watched = identityWith({ PARLEY_JWT_SECRET: SECRET, PARLEY_API_KEY: KEY })
  const sub = 'a-name-that-nobody-reads'
  const tokens = await Promise.all([
    signed(claimsOf(sub)),
    signed(claimsOf(sub, { role: 'no-such-role' })),
    signed(claimsOf(`${sub} `)),
    signed(claimsOf(sub, { exp: 1 })),
  ])
  tokens.push(forged({ alg: 'none' }, claimsOf(sub)))
  for (const token of tokens) await callerOf(watched, token)
  await handshake(watched, { apiKey: `${KEY}!`, entityId: sub })
  const logged = watched.logged()
  expect(logged).toContain('token refused')
  const secrets = [SECRET, KEY, sub, 'no-such-role', ...tokens.flatMap((token) => token.split('.'))]
  for (const secret of secrets.filter((one) => one !== '')) expect(logged).not.toContain(secret)
})
