import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Lanes } from '../../../../src/agent/runtime/lanes.ts'
import { createDeferred } from '../../../../src/util/deferred.ts'
import type { Deferred } from '../../../../src/util/deferred.ts'

function setUp(maxBusy: number) {
  const begun: string[] = []
  const ends = new Map<string, Deferred<void>>()
  const state = { isHeld: false }
  const lanes = new Lanes({ maxBusy, isHeld: () => state.isHeld })
  const add = (channelId: string, name: string): boolean =>
    lanes.add(channelId, async () => {
      begun.push(name)
      const end = createDeferred<void>()
      ends.set(name, end)
      await end.promise
    })
  const finish = async (name: string): Promise<void> => {
    ends.get(name)?.resolve()
    await nextTurn()
  }
  return { lanes, begun, state, add, finish }
}

describe('lanes', () => {
  it('work at one piece of a channel at a time, and so many channels, each in its turn', async () => {
    const { begun, add, finish } = setUp(2)
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'd1']) add(name.slice(0, 1), name)
    expect(begun).toEqual(['a1', 'b1'])
    await finish('a1')
    // Others wait longer than the rest of a.
    expect(begun).toEqual(['a1', 'b1', 'c1'])
    await finish('b1')
    await finish('c1')
    await finish('d1')
    await finish('a2')
    expect(begun).toEqual(['a1', 'b1', 'c1', 'd1', 'a2', 'a3'])
  })

  it('begin nothing while they are held', async () => {
    const { begun, add, finish, lanes, state } = setUp(2)
    add('a', 'a1')
    state.isHeld = true
    add('b', 'b1')
    await finish('a1')
    expect(begun).toEqual(['a1'])
    state.isHeld = false
    lanes.resume()
    expect(begun).toEqual(['a1', 'b1'])
  })

  it('forget what waits when they are stopped, and are idle when the last piece has ended', async () => {
    const { begun, add, finish, lanes } = setUp(1)
    add('a', 'a1')
    add('a', 'a2')
    add('b', 'b1')
    lanes.stop()
    expect(add('c', 'c1')).toBe(false)
    let isIdle = false
    const wait = async (): Promise<void> => {
      await lanes.idle()
      isIdle = true
    }
    const idle = wait()
    await nextTurn()
    expect(isIdle).toBe(false)
    await finish('a1')
    await idle
    expect(begun).toEqual(['a1'])
  })
})
