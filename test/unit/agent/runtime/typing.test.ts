import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AgentTyping } from '../../../../src/agent/runtime/typing.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

it('others are told of typing when it changes, and of no more than one start a second in a channel', () => {
  const told: string[] = []
  const typing = new AgentTyping('agent', ({ channelId, isTyping }) => {
    told.push(`${channelId} ${isTyping ? 'on' : 'off'}`)
  })
  typing.set('a', false)
  typing.set('a', true)
  typing.set('a', true)
  typing.set('b', true)
  typing.set('a', false)
  typing.set('a', false)
  expect(told.splice(0)).toEqual(['a on', 'b on', 'a off'])
  typing.set('a', true)
  typing.set('a', false)
  expect(told).toEqual([])
  vi.advanceTimersByTime(1_000)
  typing.set('a', true)
  typing.set('b', false)
  expect(told).toEqual(['a on', 'b off'])
})
