import { describe, expect, it } from 'vitest'
import { agentIdOf } from '../../../src/service/agent-id.ts'
import { checkModule } from '../../../src/agent/check-module.ts'
import { ownerSlot } from '../../../src/agent/owner-slot.ts'
import { envOf } from '../../../src/agent/worker-env.ts'

const fetch = (): Response => new Response()
const scheduled = (): void => undefined

const problemOf = (exported: unknown): string => {
  const checked = checkModule({ default: exported })
  return 'problem' in checked ? checked.problem : 'no problem'
}

describe('a module', () => {
  it('is read with its handlers, identity and times, each once', () => {
    const module = { agent: { name: 'Ada' }, cron: ['@hourly', '@hourly'], fetch, scheduled }
    expect(checkModule({ default: module })).toMatchObject({
      module,
      handlers: ['fetch', 'scheduled'],
      agent: { name: 'Ada', id: agentIdOf('Ada') },
      crons: ['@hourly'],
      envPrefix: undefined,
      hints: [],
    })
    const named = { agent: { name: 'Ada', id: '550E8400-E29B-41D4-A716-446655440000' }, fetch }
    expect(checkModule({ default: named })).toMatchObject({
      agent: { id: '550e8400-e29b-41d4-a716-446655440000' },
    })
  })

  it('may be an instance of a class, and what nothing here calls is said and stops nothing', () => {
    class Cloudflare {
      fetch(): Response {
        return new Response()
      }
    }
    expect(checkModule({ default: new Cloudflare() })).toMatchObject({ handlers: ['fetch'] })
    const more = { fetch, scheduled: fetch, queue: fetch, mesage: fetch }
    expect(checkModule({ default: more })).toMatchObject({
      hints: [expect.stringContaining('no cron'), expect.stringContaining('queue, mesage')],
    })
  })

  it('is refused with all that is wrong with it', () => {
    expect(problemOf(undefined)).toContain('must be an object')
    expect(problemOf(fetch)).toContain('must be an object')
    expect(problemOf([])).toContain('must be an object')
    expect(problemOf({ agent: { name: 'No handler' } })).toContain('no handler')
    const wrong = problemOf({
      agent: { name: ' ', id: 'a b' },
      cron: '61 * * * *',
      fetch: {},
      env: 5,
    })
    for (const part of ['agent.name', 'agent.id', 'cron', 'fetch: must be', 'env']) {
      expect(wrong).toContain(part)
    }
    expect(problemOf({ cron: '0 0 31 2 *', fetch })).toContain('never comes')
    expect(problemOf({ cron: Array.from({ length: 33 }, () => '@hourly'), fetch })).toContain('32')
    expect(problemOf({ cron: [5], fetch })).toContain('cron')
    const trap = Object.defineProperty({}, 'fetch', {
      get: () => {
        throw new Error('a trap')
      },
    })
    expect(problemOf(trap)).toContain('a trap')
  })

  it('may not ask for the server’s own settings, nor for everything', () => {
    for (const env of ['PARLEY_', 'parley_', 'PARLEY_JWT_', '', 'A', '_', 'A-B_', 'SUPPORT']) {
      expect([env, problemOf({ env, fetch })]).toEqual([env, expect.stringContaining('env')])
    }
    expect(problemOf({ env: 'SUPPORT_', fetch })).toBe('no problem')
  })
})

it('an agent’s id is the UUIDv5 of its name, for ever', () => {
  expect(agentIdOf('Support')).toBe(agentIdOf('Support'))
  expect(agentIdOf('Support')).not.toBe(agentIdOf('support'))
  expect(agentIdOf('Support')).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  )
  // Written down once: another value would make every agent another one.
  expect(agentIdOf('Support')).toBe('c05fce84-a6b6-5cfb-bb93-4848e0844aa4')
  expect(agentIdOf('Élise')).toBe('b33dddcc-2200-5114-a05b-4d3f6273e090')
})

it('every worker has one owner among the hosts, and the workers are spread over all', () => {
  const names = Array.from({ length: 200 }, (_, index) => `worker-${index}`)
  const owners = names.map((name) => ownerSlot(name, 4))
  expect(names.map((name) => ownerSlot(name, 4))).toEqual(owners)
  for (const slot of [0, 1, 2, 3]) {
    expect(owners.filter((owner) => owner === slot).length).toBeGreaterThan(20)
  }
  expect(new Set(owners).size).toBe(4)
  expect(ownerSlot('alone', 1)).toBe(0)
})

it('a worker sees what begins with its prefix, whole, and cannot change it', () => {
  const env = envOf({ A_ONE: '1', A_TWO: '2', AB_ONE: '3', B_A_ONE: '4' }, 'A_')
  expect(env).toEqual({ A_ONE: '1', A_TWO: '2' })
  expect(() => Reflect.set(env, 'A_ONE', 'x')).not.toThrow()
  expect(env['A_ONE']).toBe('1')
  expect(envOf({ A_ONE: '1' }, undefined)).toEqual({})
})
