import { expect, it } from 'vitest'
import { Leaders } from '../../../../src/process/primary/leaders.ts'
import { fakeChild } from './managed-children.ts'

const LEAD = { parley: 'lead' }

it('an agent host leads when it serves and the one before it, however long it takes to finish, has ended', async () => {
  const leaders = new Leaders()
  const old = fakeChild('agent-host')
  const next = fakeChild('agent-host')
  const starting = fakeChild('agent-host', { isReady: false })
  const gateway = fakeChild('gateway')
  leaders.look([gateway.child, starting.child, old.child])
  leaders.look([old.child, next.child])
  expect([old.sent, next.sent, starting.sent, gateway.sent]).toEqual([[LEAD], [], [], []])
  old.child.leave()
  leaders.look([old.child, next.child])
  expect(next.sent).toEqual([])
  old.end()
  await old.child.exited
  leaders.look([next.child])
  leaders.look([next.child])
  expect([old.sent, next.sent]).toEqual([[LEAD], [LEAD]])
})

it('nobody leads who is to finish', () => {
  const leaders = new Leaders()
  const leaving = fakeChild('agent-host')
  leaving.child.leave()
  leaders.look([leaving.child])
  expect(leaving.sent).toEqual([])
})
