import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Lookups } from '../../../../src/agent/webhook/lookups.ts'
import type { HostAddress } from '../../../../src/agent/webhook/lookups.ts'
import { createDeferred } from '../../../../src/util/deferred.ts'
import type { Deferred } from '../../../../src/util/deferred.ts'

const LOCAL: readonly HostAddress[] = [{ address: '127.0.0.1', family: 4 }]

it('names are looked up two at a time, and once for all who ask meanwhile', async () => {
  const asked: string[] = []
  const answers = new Map<string, Deferred<readonly HostAddress[]>>()
  const lookups = new Lookups(2, (hostname) => {
    asked.push(hostname)
    const answer = createDeferred<readonly HostAddress[]>()
    answers.set(hostname, answer)
    return answer.promise
  })
  const results = ['a', 'b', 'a', 'c', 'd'].map((name) => lookups.resolve(name))
  const settled = Promise.allSettled(results)
  await nextTurn()
  expect(asked).toEqual(['a', 'b'])
  answers.get('b')?.reject(new Error('ENOTFOUND'))
  await nextTurn()
  expect(asked).toEqual(['a', 'b', 'c'])
  answers.get('a')?.resolve(LOCAL)
  await nextTurn()
  answers.get('c')?.resolve([])
  answers.get('d')?.resolve(LOCAL)
  const outcomes = await settled
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    ...Array(3).fill('fulfilled'),
  ])
  // Asked for again, it is looked up again.
  const again = lookups.resolve('a')
  answers.get('a')?.resolve([])
  expect([await again, asked]).toEqual([[], ['a', 'b', 'c', 'd', 'a']])
})

it('the system’s own names are known', async () => {
  const addresses = await new Lookups(2).resolve('localhost')
  expect(addresses.map(({ address }) => address)).toContain('127.0.0.1')
})
