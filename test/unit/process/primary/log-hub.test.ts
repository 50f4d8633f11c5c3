import { expect, it } from 'vitest'
import { LogHub } from '../../../../src/process/primary/log-hub.ts'
import { fakeChild } from './managed-children.ts'

it('a log hub sends to who watches, and keeps nothing of interest that comes and goes', () => {
  const { child, sent, waits, end } = fakeChild('gateway')
  const hub = new LogHub()
  for (let round = 0; round < 100; round += 1) {
    hub.setWatching(child, true)
    hub.push([`line ${round}`])
    hub.setWatching(child, false)
    hub.push(['unseen'])
  }
  expect(sent).toHaveLength(100)
  expect(waits()).toBe(0)
  hub.setWatching(child, true)
  end()
  hub.push(['after its end'])
  expect(sent).toHaveLength(100)
})
