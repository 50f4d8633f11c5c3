import { describe, expect, it } from 'vitest'
import { Backoff } from '../../../../src/process/primary/backoff.ts'

describe('Backoff', () => {
  it('doubles from 100 ms to 5 s and stays there', () => {
    const backoff = new Backoff()
    const delays = Array.from({ length: 8 }, () => backoff.nextDelayMs(0))
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  })

  it('begins anew after ten seconds of health, not before', () => {
    const backoff = new Backoff()
    backoff.nextDelayMs(0)
    expect(backoff.nextDelayMs(9_999)).toBe(200)
    expect(backoff.nextDelayMs(10_000)).toBe(100)
  })
})
