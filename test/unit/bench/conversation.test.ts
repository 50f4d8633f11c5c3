import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Conversation } from '../../bench/load/conversation.ts'

describe('a conversation of the load', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('begins within its time for thinking, and goes on after half to one and a half of it', () => {
    const say = vi.fn<() => void>()
    const conversation = new Conversation({ awaits: 'reply', thinkMs: 1_000 }, say)
    conversation.begin()
    vi.advanceTimersByTime(1_000)
    expect(say).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(60_000)
    expect(say).toHaveBeenCalledTimes(1)
    for (const [random, afterMs] of [
      [0, 500],
      [1, 1_500],
    ] as const) {
      vi.spyOn(Math, 'random').mockReturnValue(random)
      say.mockClear()
      conversation.goOn()
      vi.advanceTimersByTime(afterMs - 1)
      expect(say).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(say).toHaveBeenCalledTimes(1)
    }
  })

  it('goes on at once without time for thinking', () => {
    const say = vi.fn<() => void>()
    const conversation = new Conversation({ awaits: 'ack', thinkMs: 0 }, say)
    conversation.begin()
    conversation.goOn()
    expect(say).toHaveBeenCalledTimes(2)
  })

  it('says nothing after its end, also what it was about to say', () => {
    const say = vi.fn<() => void>()
    const conversation = new Conversation({ awaits: 'ack', thinkMs: 1_000 }, say)
    conversation.begin()
    conversation.end()
    conversation.goOn()
    vi.advanceTimersByTime(60_000)
    expect(say).not.toHaveBeenCalled()
  })
})
