import { describe, expect, it } from 'vitest'
import {
  checkLocal,
  foreignReason,
  isLoopbackAuthority,
  isLoopbackOrigin,
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

describe('what comes from this machine', () => {
  const local = { host: 'localhost:3000' }

  it.each([
    local,
    { ...local, origin: 'http://localhost:5173' },
    { ...local, 'sec-fetch-site': 'same-origin' },
    { ...local, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
  ])('is %j', (headers) => {
    expect(() => checkLocal(headers)).not.toThrow()
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
    { ...local, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    { ...local, origin: ['http://localhost', 'http://evil.example'] },
  ])('is not %j', (headers) => {
    expect(foreignReason(headers)).toBeTypeOf('string')
    expect(() => checkLocal(headers)).toThrow(expect.objectContaining({ code: 'ORIGIN_FORBIDDEN' }))
  })
})
