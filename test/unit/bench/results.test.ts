import { describe, expect, it } from 'vitest'
import { judge, median, mediansOf } from '../../bench/results.ts'
import type { Round } from '../../bench/results.ts'
import type { Scenario, Side } from '../../bench/scenario.ts'

const scenario: Scenario = {
  name: 'some',
  title: 'some scenario',
  sides: ['peer', 'parley'],
  headline: [],
  targets: [],
  measure: () => Promise.resolve({ values: {}, warnings: [] }),
}

function round(side: Side, rate: number): Round {
  return { round: 1, side, measurement: { values: { rate }, warnings: [] } }
}

const known: Readonly<Record<string, number>> = {
  'some/parley/rate': 30,
  'some/peer/rate': 10,
  'raw/parley/rows': 40,
}
const lookup = (name: string, side: Side, metric: string): number | undefined =>
  known[`${name}/${side}/${metric}`]

describe('median', () => {
  it('is the middle of an odd number and between the two of an even one', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([4, 1, 9, 2])).toBe(3)
  })

  it('leaves out what was not measured', () => {
    expect(median([Number.NaN, 7, Number.NaN])).toBe(7)
    expect(median([Number.NaN])).toBeNaN()
  })
})

describe('mediansOf', () => {
  it('takes one side’s rounds and not those that failed', () => {
    const failed: Round = { round: 2, side: 'parley', failure: 'it hung' }
    const rounds = [round('parley', 1), failed, round('parley', 3), round('peer', 100)]
    expect(mediansOf(rounds, 'parley')).toEqual({ rate: 2 })
    expect(mediansOf([failed], 'parley')).toBeUndefined()
  })
})

describe('judge', () => {
  it('holds the ratio of the sides against a bound from below and from above', () => {
    const atLeast = { kind: 'ratio', metric: 'rate', atLeast: 3 } as const
    const atMost = { kind: 'ratio', metric: 'rate', atMost: 2.9 } as const
    expect(judge(scenario, atLeast, lookup)).toMatchObject({ value: 3, isMet: true })
    expect(judge(scenario, atMost, lookup)).toMatchObject({ value: 3, isMet: false })
  })

  it('compares with another scenario, and judges nothing without it', () => {
    const of = { scenario: 'raw', side: 'parley', metric: 'rows' } as const
    const target = { kind: 'share', metric: 'rate', of, atLeast: 0.8 } as const
    expect(judge(scenario, target, lookup)).toMatchObject({ value: 0.75, isMet: false })
    const absent = { ...target, of: { ...of, scenario: 'absent' } }
    expect(judge(scenario, absent, lookup)).toEqual({ target: absent })
  })
})
