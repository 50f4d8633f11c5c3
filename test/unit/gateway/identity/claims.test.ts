import { describe, expect, it } from 'vitest'
import {
  callerFrom,
  MAX_PATTERN_LENGTH,
  MAX_PATTERNS,
} from '../../../../src/gateway/identity/claims.ts'

const patterns = (count: number): Record<string, string[]> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`channel-${index}`, ['read']]))

describe('claims', () => {
  it('need no more than a subject: a user, in all that its role may, for ever', () => {
    expect(callerFrom({ sub: 'alice', iat: 7, name: 'Alice' }, 0)).toEqual({
      role: 'user',
      entityId: 'alice',
      grants: undefined,
      expiresAtMs: undefined,
    })
  })

  it('name one spelling of a UUID, of the entity and of channels', () => {
    const upper = 'B850BC30-45F8-0041-A00A-83DF46D8555D'
    const caller = callerFrom({ sub: upper, channels: { [upper]: ['join'] } }, 0)
    expect(caller.entityId).toBe(upper.toLowerCase())
    expect(caller.grants).toEqual([{ pattern: upper.toLowerCase(), allow: ['join'] }])
  })

  it('end after the tolerance', () => {
    expect(callerFrom({ sub: 'alice', exp: 100.5 }, 5_000).expiresAtMs).toBe(105_500)
  })

  it('grant what they list, nothing where they list nothing', () => {
    const channels = { 'support-*': ['join', 'read', 'send'], lobby: ['admin'], __proto__x: [] }
    expect(callerFrom({ sub: 'a', role: 'agent', channels }, 0)).toMatchObject({
      role: 'agent',
      grants: [
        { pattern: 'support-*', allow: ['join', 'read', 'send'] },
        { pattern: 'lobby', allow: ['admin'] },
        { pattern: '__proto__x', allow: [] },
      ],
    })
    expect(callerFrom({ sub: 'a', channels: {} }, 0).grants).toEqual([])
  })

  it('grant to a channel that is called like a part of every object', () => {
    const channels: unknown = JSON.parse('{"__proto__":["join"],"constructor":["read"]}')
    expect(callerFrom({ sub: 'a', channels }, 0).grants).toEqual([
      { pattern: '__proto__', allow: ['join'] },
      { pattern: 'constructor', allow: ['read'] },
    ])
  })

  it.each([1, MAX_PATTERNS])('may have %i patterns', (count) => {
    expect(callerFrom({ sub: 'a', channels: patterns(count) }, 0).grants).toHaveLength(count)
  })

  it.each([
    ['no subject', {}],
    ['an empty subject', { sub: '' }],
    ['a subject that is no id', { sub: 'alice smith' }],
    ['a subject of dots', { sub: '..' }],
    ['a subject that is too long', { sub: 'a'.repeat(129) }],
    ['a subject that is no text', { sub: 7 }],
    ['subjects', { sub: ['alice'] }],
    ['the role of the key', { sub: 'a', role: 'service' }],
    ['the role of open mode', { sub: 'a', role: 'anyone' }],
    ['a role in capitals', { sub: 'a', role: 'ADMIN' }],
    ['roles', { sub: 'a', role: ['admin'] }],
    ['no role where one is named', { sub: 'a', role: null }],
    ['channels as a list', { sub: 'a', channels: ['lobby'] }],
    ['channels as text', { sub: 'a', channels: 'lobby' }],
    ['no channels where they are named', { sub: 'a', channels: null }],
    ['capabilities as text', { sub: 'a', channels: { lobby: 'join' } }],
    ['an unknown capability', { sub: 'a', channels: { lobby: ['join', 'fly'] } }],
    ['more capabilities than there are', { sub: 'a', channels: { lobby: Array(5).fill('join') } }],
    ['an empty pattern', { sub: 'a', channels: { '': ['join'] } }],
    [
      'a pattern that is too long',
      { sub: 'a', channels: { ['*'.repeat(MAX_PATTERN_LENGTH + 1)]: [] } },
    ],
    ['too many patterns', { sub: 'a', channels: patterns(MAX_PATTERNS + 1) }],
    ['an end that is no number', { sub: 'a', exp: '2100-01-01' }],
    ['an end beyond all dates', { sub: 'a', exp: 1e300 }],
  ])('with %s name nobody', (_what, claims) => {
    expect(() => callerFrom(claims, 0)).toThrow(expect.objectContaining({ name: 'ZodError' }))
  })
})
