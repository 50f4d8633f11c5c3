import { describe, expect, it } from 'vitest'
import { loadSettings, mergeEnvironment } from '../../../src/config/load.ts'
import type { Environment } from '../../../src/config/load.ts'
import { isLoopbackHost } from '../../../src/config/loopback.ts'
import { misspeltName } from '../../../src/config/nearest-name.ts'
import type { Settings } from '../../../src/config/settings.ts'

function settingsOf(environment: Environment): Settings {
  const loaded = loadSettings(environment)
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'))
  return loaded.settings
}

function problemsOf(environment: Environment): readonly string[] {
  const loaded = loadSettings(environment)
  return 'problems' in loaded ? loaded.problems : []
}

const SECRET = 'a secret of exactly thirty-two b.'
const KEYS = 'https://login.example/.well-known/jwks.json'

describe('loadSettings', () => {
  it('needs nothing: an empty environment gives the defaults, frozen', () => {
    const settings = settingsOf({})
    expect(settings).toMatchObject({ port: 3000, host: '127.0.0.1', dataDir: './data' })
    expect(settings.apiKey).toBeUndefined()
    expect(Object.isFrozen(settings)).toBe(true)
  })

  it('takes the first name that has a value; blank counts as unset', () => {
    expect(settingsOf({ PARLEY_PORT: '1', PORT: '2', SERVER_PORT: '3' }).port).toBe(1)
    expect(settingsOf({ PARLEY_PORT: '', PORT: ' ', SERVER_PORT: '3' }).port).toBe(3)
    expect(settingsOf({ PARLEY_PORT: '' }).port).toBe(3000)
    expect(settingsOf({ ELIZA_SERVER_AUTH_TOKEN: 'k' }).apiKey).toBe('k')
  })

  it('reports every problem at once, by environment name, with the value and what is allowed', () => {
    const problems = problemsOf({
      PORT: '99999',
      PARLEY_GATEWAYS: 'many',
      PARLEY_LOG_LEVEL: 'loud',
      PARLEY_DRAIN_MS: '1.5',
    })
    expect(problems).toHaveLength(4)
    expect(problems).toContain('PORT="99999": must be at most 65535')
    expect(problems).toContain('PARLEY_GATEWAYS="many": must be a whole number')
    expect(problems).toContain('PARLEY_DRAIN_MS="1.5": must be a whole number')
    expect(problems.join('\n')).toContain('PARLEY_LOG_LEVEL="loud": must be fatal, error')
  })

  it('never shows a secret', () => {
    const secret = 'hunter2-hunter2'
    const problems = problemsOf({
      PARLEY_JWT_SECRET: secret,
      PARLEY_API_KEY: secret,
      PARLEY_PORT: 'x',
    })
    expect(problems.join('\n')).toContain('PARLEY_JWT_SECRET=[redacted]')
    expect(problems.join('\n')).not.toContain(secret)
  })

  it('refuses misspelt names and says which one was probably meant', () => {
    expect(problemsOf({ PARLEY_GATEWAY: '4' })).toEqual([
      'PARLEY_GATEWAY is not a setting; did you mean PARLEY_GATEWAYS?',
    ])
    expect(problemsOf({ SOMETHING_ELSE: '4' })).toEqual([])
  })

  it('hands back names that resemble none of its own, since they may be another program’s', () => {
    const loaded = loadSettings({ PARLEY_DEPLOYED_BY: 'somebody', PARLEY_PORT: '4000' })
    expect(loaded).toMatchObject({ settings: { port: 4000 }, unknown: ['PARLEY_DEPLOYED_BY'] })
  })

  it('refuses a public host without authentication', () => {
    expect(problemsOf({ PARLEY_HOST: '0.0.0.0' }).join()).toContain('PARLEY_API_KEY')
    expect(problemsOf({ PARLEY_HOST: 'chat.example' })).toHaveLength(1)
    expect(problemsOf({ PARLEY_HOST: '0.0.0.0', PARLEY_API_KEY: 'k' })).toEqual([])
    expect(problemsOf({ PARLEY_HOST: '0.0.0.0', PARLEY_INSECURE: '1' })).toEqual([])
    expect(problemsOf({ PARLEY_HOST: '::', PARLEY_PORT: 'x' })).toHaveLength(2)
    expect(problemsOf({ PARLEY_HOST: '0.0.0.0', PARLEY_JWT_SECRET: SECRET })).toEqual([])
    expect(problemsOf({ PARLEY_HOST: '0.0.0.0', PARLEY_JWKS_URL: KEYS })).toEqual([])
    // The one thing to correct is the secret.
    expect(problemsOf({ PARLEY_HOST: '0.0.0.0', PARLEY_JWT_SECRET: 'short' })).toHaveLength(1)
  })

  it('refuses two kinds of tokens, and checks of tokens where there are none', () => {
    const both = problemsOf({ PARLEY_JWT_SECRET: SECRET, PARLEY_JWKS_URL: KEYS })
    expect(both).toEqual([expect.stringContaining('PARLEY_JWT_SECRET and PARLEY_JWKS_URL')])
    expect(both.join()).not.toContain(SECRET)
    const checks = { PARLEY_JWT_ISSUER: 'https://login.example', PARLEY_JWT_AUDIENCE: 'parley' }
    expect(problemsOf(checks)).toEqual([
      'PARLEY_JWT_ISSUER="https://login.example": needs PARLEY_JWT_SECRET or PARLEY_JWKS_URL',
      'PARLEY_JWT_AUDIENCE="parley": needs PARLEY_JWT_SECRET or PARLEY_JWKS_URL',
    ])
    expect(problemsOf({ ...checks, PARLEY_JWT_SECRET: SECRET })).toEqual([])
    expect(problemsOf({ ...checks, PARLEY_JWT_SECRET: 'short' })).toHaveLength(1)
  })

  it.each([
    [KEYS, true],
    ['http://127.0.0.1:4000/keys', true],
    ['http://[::1]:4000/keys', true],
    ['http://localhost/keys', true],
    ['http://login.example/keys', false],
    ['http://127.0.0.1.evil.example/keys', false],
    ['http://localhost@evil.example/keys', false],
    ['https://name:pass-phrase@login.example/keys', false],
    ['file:///etc/keys.json', false],
    ['login.example/keys', false],
  ])('takes keys of tokens from %s: %s', (url, isTaken) => {
    const problems = problemsOf({ PARLEY_JWKS_URL: url })
    expect(problems).toHaveLength(isTaken ? 0 : 1)
    expect(problems.join()).not.toContain('pass-phrase')
  })
})

describe('mergeEnvironment', () => {
  it('lets the real environment win over the file', () => {
    const file = 'PARLEY_PORT=4000\n# a comment\nPARLEY_HOST="::1"\n'
    const merged = mergeEnvironment({ PARLEY_PORT: '5000' }, file)
    expect(settingsOf(merged)).toMatchObject({ port: 5000, host: '::1' })
  })
})

describe('isLoopbackHost', () => {
  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '[::1]',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    'LocalHost',
  ])('%s stays on this machine', (host) => {
    expect(isLoopbackHost(host)).toBe(true)
  })
  it.each(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'localhost.example', '::ffff:10.0.0.1'])(
    '%s does not',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false)
    },
  )
})

describe('nearestName', () => {
  it('prefers fewer changes', () => {
    expect(misspeltName('PARLEY_PROT', ['PARLEY_HOST', 'PARLEY_PORT'])).toBe('PARLEY_PORT')
    expect(misspeltName('anything', [])).toBeUndefined()
  })
})
