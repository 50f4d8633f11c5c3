import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram } from '../../bench/load/histogram.ts'

const durationsMs = fc.array(fc.double({ min: 0.001, max: 4_000_000, noNaN: true }), {
  minLength: 1,
  maxLength: 300,
})

function of(values: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const value of values) histogram.recordMs(value)
  return histogram
}

function exactPercentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(1, Math.ceil(sorted.length * share)) - 1] ?? Number.NaN
}

describe('Histogram', () => {
  it('tells every percentile to within one percent and a microsecond, never too low', () => {
    const shares = fc.constantFrom(0, 0.5, 0.9, 0.99, 0.999, 1)
    fc.assert(
      fc.property(durationsMs, shares, (values, share) => {
        const exact = exactPercentile(values, share)
        const told = of(values).percentileMs(share)
        expect(told).toBeGreaterThanOrEqual(exact - 0.0005001)
        expect(told).toBeLessThanOrEqual(exact * 1.01 + 0.001)
      }),
    )
  })

  it('adds up to what one histogram of all values would be', () => {
    fc.assert(
      fc.property(durationsMs, durationsMs, (left, right) => {
        const sum = of(left)
        sum.add(of(right))
        const whole = of([...left, ...right])
        expect(sum.total).toBe(whole.total)
        expect(sum.counts).toEqual(whole.counts)
      }),
    )
  })

  it('is the same again when it is made from its counts', () => {
    const first = of([0.2, 7, 1_250])
    const again = new Histogram(first.counts.slice())
    expect(again.total).toBe(3)
    expect(again.percentileMs(0.5)).toBe(first.percentileMs(0.5))
  })

  it('keeps what is longer than it can tell in its last bucket', () => {
    const histogram = of([1e12])
    expect(histogram.percentileMs(1)).toBeGreaterThan(4_000_000)
    expect(histogram.percentileMs(1)).toBeLessThan(4_300_000)
  })

  it('knows no percentile when it is empty, also after it was cleared', () => {
    const histogram = of([5])
    histogram.clear()
    expect(histogram.total).toBe(0)
    expect(histogram.percentileMs(0.5)).toBeNaN()
  })
})
