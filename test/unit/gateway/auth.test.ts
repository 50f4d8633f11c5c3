import { describe, expect, it } from 'vitest'
import {
  createAccess,
  foreignReason,
  isLoopbackAuthority,
  isLoopbackOrigin,
  presentedKey,
} from '../../../src/gateway/auth.ts'

describe('a loopback host', () => {
  it.each([
    'localhost',
    'LOCALHOST:3000',
    'app.localhost',
    '127.0.0.1:3000',
    '127.9.8.7',
    '[::1]:3',
  ])('is %s', (host) => expect(isLoopbackAuthority(host)).toBe(true))

  it.each([
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'evil-localhost',
    '0.0.0.0',
    '10.0.0.1',
    '::1',
    '',
    'localhost:3000:4',
    'a@localhost',
  ])('is not %j', (host) => expect(isLoopbackAuthority(host)).toBe(false))
})

describe('a loopback origin', () => {
  it.each(['http://localhost:5173', 'https://127.0.0.1', 'http://[::1]:8080'])('is %s', (origin) =>
    expect(isLoopbackOrigin(origin)).toBe(true),
  )

  it.each(['null', 'http://evil.example', 'http://localhost@evil.example', 'file://', ''])(
    'is not %j',
    (origin) => expect(isLoopbackOrigin(origin)).toBe(false),
  )
})

describe('in open mode', () => {
  const access = createAccess({ isInsecure: false })
  const local = { host: 'localhost:3000' }

  it('serves this machine', () => {
    expect(access.isOpen).toBe(true)
    expect(() => access.checkOrigin(local)).not.toThrow()
    expect(access.isKey(undefined)).toBe(true)
  })

  it.each([
    { ...local, forwarded: 'for=1.2.3.4' },
    { ...local, 'x-forwarded-for': '1.2.3.4' },
    { ...local, 'x-forwarded-proto': 'https' },
    { ...local, 'x-real-ip': '1.2.3.4' },
    { host: 'evil.example' },
    { host: '' },
    {},
    { ...local, origin: 'http://evil.example' },
    { ...local, origin: ['http://localhost', 'http://evil.example'] },
  ])('refuses %j', (headers) => {
    expect(foreignReason(headers)).toBeTypeOf('string')
    expect(() => access.checkOrigin(headers)).toThrow(
      expect.objectContaining({ code: 'ORIGIN_FORBIDDEN' }),
    )
  })

  it('serves everyone when insecure', () => {
    const insecure = createAccess({ isInsecure: true })
    expect(() => insecure.checkOrigin({ host: 'evil.example' })).not.toThrow()
  })
})

describe('with a key', () => {
  const access = createAccess({ apiKey: 's3cret', isInsecure: false })

  it('does not ask where a request comes from', () => {
    expect(access.isOpen).toBe(false)
    expect(() => access.checkOrigin({ host: 'chat.example', forwarded: 'x' })).not.toThrow()
  })

  it.each([undefined, '', 's3cre', 's3cret ', 'S3CRET', 7, ['s3cret']])('refuses %j', (key) => {
    expect(access.isKey(key)).toBe(false)
  })

  it('takes the key', () => expect(access.isKey('s3cret')).toBe(true))

  it('is open mode when the key is empty', () => {
    expect(createAccess({ apiKey: '', isInsecure: false }).isOpen).toBe(true)
  })
})

it.each([
  [{ 'x-api-key': 'a', authorization: 'Bearer b' }, 'a'],
  [{ authorization: 'Bearer b' }, 'b'],
  [{ authorization: 'bearer  b' }, 'b'],
  [{ authorization: 'Basic b' }, undefined],
  [{}, undefined],
])('reads the key of %j as %j', (headers, key) => {
  expect(presentedKey(headers)).toBe(key)
})
