import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RefusalCounts } from '../../../../src/gateway/limits/refusal-counts.ts'
import type { Logger } from '../../../../src/telemetry/logger.ts'

function setUp() {
  const lines: unknown[] = []
  const logger = { warn: (facts: object, msg: string) => lines.push({ ...facts, msg }) }
  return { lines, counts: new RefusalCounts(logger as unknown as Logger) }
}

describe('counted refusals', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('are one line for each limit and minute, however many there were', () => {
    const { lines, counts } = setUp()
    for (let index = 0; index < 10_000; index += 1) counts.add('events', `entity-${index}`)
    counts.add('connects', '192.0.2.1')
    expect(lines).toEqual([])
    vi.advanceTimersByTime(60_000)
    expect(lines).toEqual([
      { limit: 'events', count: 10_000, firstKey: 'entity-0', msg: 'limit reached' },
      { limit: 'connects', count: 1, firstKey: '192.0.2.1', msg: 'limit reached' },
    ])
    vi.advanceTimersByTime(600_000)
    expect(lines.length).toBe(2)
    counts.add('events', 'again')
    vi.advanceTimersByTime(60_000)
    expect(lines.at(-1)).toMatchObject({ limit: 'events', count: 1, firstKey: 'again' })
    expect(counts.totals()).toMatchObject({ events: 10_001, connects: 1, requests: 0 })
  })

  it('are written at the end too', () => {
    const { lines, counts } = setUp()
    counts.add('requests', 'k')
    counts.close()
    counts.close()
    expect(lines.length).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
