import { describe, expect, it } from 'vitest'
import { RateLedger } from '../../../src/signals/rate-ledger.ts'
import { RateWindows } from '../../../src/signals/rate-windows.ts'
import type { Use } from '../../../src/signals/quota-wire.ts'

/** Gateways with one clock and, between them, a ledger that hears reports when a test lets it. */
function cluster(gateways: number, maxKeys?: number) {
  let nowMs = 5_000
  const pending: Use[] = []
  const ledger = new RateLedger()
  const windows = Array.from(
    { length: gateways },
    () =>
      new RateWindows({
        nowMs: () => nowMs,
        report: (use) => pending.push(use),
        ...(maxKeys !== undefined && { maxKeys }),
      }),
  )
  const [first] = windows
  if (first === undefined) throw new Error('no gateway')
  return {
    first,
    windows,
    pending,
    advance: (ms: number) => {
      nowMs += ms
    },
    /** Everything that was reported arrives, and what comes of it. */
    exchange: () => {
      for (const block of ledger.add(pending.splice(0))) {
        for (const one of windows) one.block(block)
      }
    },
  }
}

/** How many of so many uses are allowed. */
function allowed(windows: RateWindows, tries: number, perSecond: number): number {
  return Array.from({ length: tries }, () => windows.take('k', perSecond)).filter((ms) => ms === 0)
    .length
}

describe('a rate on one gateway', () => {
  it('allows the limit in each second and says when the next one begins', () => {
    const { first, advance } = cluster(1)
    advance(300)
    expect(allowed(first, 50, 20)).toBe(20)
    expect(first.take('k', 20)).toBe(700)
    expect(first.take('other', 20)).toBe(0)
    advance(699)
    expect(first.take('k', 20)).toBe(1)
    advance(1)
    expect(allowed(first, 50, 20)).toBe(20)
    advance(60_000)
    expect(allowed(first, 50, 20)).toBe(20)
  })

  it('is not counted for more keys than there may be, and those that are there stay limited', () => {
    const { first, advance } = cluster(1, 2)
    for (const key of ['a', 'b']) expect(first.take(key, 1)).toBe(0)
    for (let index = 0; index < 5; index += 1) expect(first.take('c', 1)).toBe(0)
    expect(first.take('a', 1)).toBeGreaterThan(0)
    advance(1_000)
    expect(first.take('c', 1)).toBe(0)
    expect(first.take('c', 1)).toBeGreaterThan(0)
  })

  it('reports in chunks: sixteen times for a used-up limit, not at all for a few uses', () => {
    const { first, pending } = cluster(1)
    expect(allowed(first, 10_000, 1_600)).toBe(1_600)
    expect(pending.length).toBe(16)
    expect(
      pending.every(([key, window, count]) => key === 'k' && window === 5 && count === 100),
    ).toBe(true)
    expect(first.take('quiet', 1_600)).toBe(0)
    expect(pending.length).toBe(16)
  })

  it('reports what the second before left over together with what follows', () => {
    const { first, pending, advance } = cluster(1)
    expect(allowed(first, 99, 1_600)).toBe(99)
    advance(1_000)
    expect(first.take('k', 1_600)).toBe(0)
    expect(pending).toEqual([['k', 6, 100, 1_600]])
    expect(allowed(first, 99, 1_600)).toBe(99)
    advance(5_000)
    expect(first.take('k', 1_600)).toBe(0)
    expect(pending.length).toBe(1)
  })
})

describe('a rate over gateways', () => {
  it('is the limit and less than a chunk for each gateway, where reports arrive', () => {
    const { windows, exchange } = cluster(4)
    let total = 0
    for (let round = 0; round < 2_000; round += 1) {
      for (const one of windows) total += allowed(one, 1, 1_600)
      exchange()
    }
    expect(total).toBeGreaterThanOrEqual(1_600)
    expect(total).toBeLessThan(1_600 + 4 * 100)
  })

  it('is the limit in the long run, also when every second begins with a burst everywhere', () => {
    const { windows, exchange, advance } = cluster(4)
    const seconds = 40
    let total = 0
    for (let second = 0; second < seconds; second += 1) {
      for (const one of windows) total += allowed(one, 5_000, 1_600)
      exchange()
      advance(1_000)
    }
    // At most what all allow in the moment in which none knows of the others, once.
    expect(total).toBeLessThanOrEqual((seconds + 4) * 1_600)
    expect(total).toBeGreaterThanOrEqual(seconds * 1_600)
  })

  it('is each gateway’s own while no report arrives, and nothing fails', () => {
    const { windows } = cluster(3)
    expect(windows.map((one) => allowed(one, 100, 20))).toEqual([20, 20, 20])
  })

  it('blocks a key for a minute at most, whatever was reported', () => {
    const ledger = new RateLedger()
    expect(ledger.add([['k', 100, 1_000_000, 1]])).toEqual([['k', 160]])
    expect(ledger.add([['k', 161, 1, 1]])).toEqual([['k', 162]])
  })

  it('forgets what is over, and the longest silent of too many', () => {
    const ledger = new RateLedger({ maxKeys: 100 })
    for (let index = 0; index < 500; index += 1) ledger.add([[`k${index}`, 1, 10, 10]])
    expect(ledger.size).toBeLessThanOrEqual(100)
    // Those that were left out begin anew, the last ones are remembered.
    expect(ledger.add([['k0', 1, 9, 10]])).toEqual([])
    expect(ledger.add([['k499', 1, 10, 10]])).toEqual([['k499', 3]])
    for (let index = 0; index < 500; index += 1) ledger.add([['later', 1_000, 1, 10]])
    expect(ledger.size).toBe(1)
  })
})
