import { describe, expect, it } from 'vitest'
import { loadSettings } from '../../../src/config/load.ts'
import type { Environment } from '../../../src/config/load.ts'

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const agent = (fields: object = {}) => ({
  name: 'Support',
  url: 'https://a.example/hook',
  secret: SECRET,
  ...fields,
})

function problemsOf(environment: Environment): readonly string[] {
  const loaded = loadSettings(environment)
  return 'problems' in loaded ? loaded.problems : []
}

const read = (environment: Environment) => {
  const loaded = loadSettings(environment)
  return 'settings' in loaded ? loaded.settings : loaded.problems
}

describe('the agents of the settings', () => {
  it('are read from JSON, with ids in their one spelling', () => {
    expect(read({})).toMatchObject({ agents: [], webhookAllow: [] })
    const id = 'ABCDEFAB-0000-4000-8000-000000000001'
    const agents = [
      agent({ id, bio: 'Knows.' }),
      agent({ name: 'Other', url: 'http://10.1.2.3:80/x?y' }),
    ]
    expect(read({ PARLEY_AGENTS: JSON.stringify(agents) })).toMatchObject({
      agents: [{ ...agents[0], id: id.toLowerCase() }, agents[1]],
    })
  })

  it('are refused with every problem at once, and no secret', () => {
    const agents = [
      agent({ name: '', url: 'ftp://a.example', secret: 'whsec_YWJj' }),
      agent({ url: 'https://me:pass@a.example/', secret: SECRET.slice(6), extra: 1 }),
      3,
      agent({ url: 'nonsense', id: '..', bio: 1 }),
    ]
    const [problems = '', ...more] = problemsOf({ PARLEY_AGENTS: JSON.stringify(agents) })
    expect(more).toEqual([])
    for (const place of [
      '0.name',
      '0.url',
      '0.secret',
      '1.url',
      '1.secret',
      '2: ',
      '3.url',
      '3.id',
      '3.bio',
    ]) {
      expect(problems).toContain(place)
    }
    expect(problems).toContain('extra')
    for (const secret of ['YWJj', SECRET.slice(6), 'pass@']) expect(problems).not.toContain(secret)
  })

  it.each(['{', '{}', '3', '"x"'])('are refused where there is no list: %s', (text) => {
    expect(problemsOf({ PARLEY_AGENTS: text })).toEqual([
      'PARLEY_AGENTS=[redacted]: must be a JSON list of {"name", "url", "secret"}, each also with "id" and "bio"',
    ])
  })

  it('are each somebody else', () => {
    const same = JSON.stringify([
      agent(),
      agent(),
      agent({ name: 'B', id: 'b' }),
      agent({ name: 'C', id: 'B' }),
    ])
    expect(problemsOf({ PARLEY_AGENTS: same })[0]).toMatch(/more than one has the name Support/)
    const upper = 'ABCDEFAB-0000-4000-8000-000000000001'
    const ids = [agent({ name: 'A', id: upper }), agent({ name: 'B', id: upper.toLowerCase() })]
    expect(problemsOf({ PARLEY_AGENTS: JSON.stringify(ids) })[0]).toContain(
      `the id ${upper.toLowerCase()}`,
    )
  })
})

it('where agents may be called is a list of hosts and ranges, and whatever is none is named', () => {
  const text = ' 127.0.0.1/32, agents.internal ,::1'
  expect(read({ PARLEY_WEBHOOK_ALLOW: text })).toMatchObject({
    webhookAllow: ['127.0.0.1/32', 'agents.internal', '::1'],
  })
  const [problem] = problemsOf({ PARLEY_WEBHOOK_ALLOW: 'a b,10.0.0.0/99,fine' })
  expect(problem).toContain('"a b" must be a host name')
  expect(problem).toContain('"10.0.0.0/99" must be')
  expect(problem).not.toContain('"fine"')
})
