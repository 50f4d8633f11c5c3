import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LogBatches } from '../../../src/telemetry/log-batches.ts'

function collect(options: { isStuck?: boolean } = {}) {
  const sent: (readonly string[])[] = []
  const dropped: number[] = []
  const waiting: (() => void)[] = []
  const batches = new LogBatches({
    send: async (lines) => {
      sent.push(lines)
      if (options.isStuck === true) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    onDropped: (count) => dropped.push(count),
    maxBatchLines: 3,
    maxQueuedLines: 5,
  })
  return { batches, sent, dropped, waiting }
}

describe('LogBatches', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('gathers lines for 100 ms, in order, each in one batch', async () => {
    const { batches, sent } = collect()
    for (const line of ['a', 'b', 'c', 'd']) batches.push(line)
    expect(sent).toEqual([])
    await vi.advanceTimersByTimeAsync(100)
    expect(sent).toEqual([['a', 'b', 'c']])
    await vi.advanceTimersByTimeAsync(100)
    expect(sent).toEqual([['a', 'b', 'c'], ['d']])
  })

  it('has one batch under way at a time', async () => {
    const { batches, sent, waiting } = collect({ isStuck: true })
    for (const line of ['a', 'b', 'c', 'd']) batches.push(line)
    vi.advanceTimersByTime(10_000)
    expect(sent).toHaveLength(1)
    waiting.shift()?.()
    await vi.advanceTimersByTimeAsync(100)
    expect(sent).toHaveLength(2)
  })

  it('counts what does not fit and says how much it was', async () => {
    const { batches, sent, dropped } = collect()
    for (let line = 0; line < 9; line += 1) batches.push(String(line))
    await vi.advanceTimersByTimeAsync(300)
    expect(sent.flat()).toEqual(['0', '1', '2', '3', '4'])
    expect(dropped).toEqual([4])
  })
})
