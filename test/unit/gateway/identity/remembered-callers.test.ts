import { expect, it } from 'vitest'
import { RememberedCallers } from '../../../../src/gateway/identity/remembered-callers.ts'
import { service } from '../../../../src/service/caller.ts'

const caller = (entityId: string) => service(entityId)

it('knows the caller of a token, and of no other', () => {
  const remembered = new RememberedCallers()
  remembered.add('token', caller('alice'))
  expect(remembered.get('token')).toEqual(caller('alice'))
  expect(remembered.get('token ')).toBeUndefined()
})

it('forgets who was verified first when it is full', () => {
  const remembered = new RememberedCallers({ maxRemembered: 2 })
  remembered.add('one', caller('1'))
  remembered.add('two', caller('2'))
  // Verified again: now it is the latest.
  remembered.add('one', caller('1'))
  remembered.add('three', caller('3'))
  expect(['one', 'two', 'three'].map((token) => remembered.get(token)?.entityId)).toEqual([
    '1',
    undefined,
    '3',
  ])
})

it('forgets after ten minutes, so that the token of a withdrawn key is looked at again', () => {
  let nowMs = 0
  const remembered = new RememberedCallers({ now: () => nowMs })
  remembered.add('token', caller('alice'))
  nowMs = 599_999
  expect(remembered.get('token')).toBeDefined()
  nowMs = 600_000
  expect(remembered.get('token')).toBeUndefined()
})

it('does not remember tokens whose claims are large', () => {
  const remembered = new RememberedCallers()
  const large = 'x'.repeat(4_097)
  remembered.add(large, caller('alice'))
  expect(remembered.get(large)).toBeUndefined()
})
