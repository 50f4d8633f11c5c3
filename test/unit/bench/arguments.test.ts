import { describe, expect, it } from 'vitest'
import { parseRun } from '../../bench/arguments.ts'
import type { Scenario } from '../../bench/scenario.ts'

function named(name: string): Scenario {
  return {
    name,
    title: name,
    sides: ['peer', 'parley'],
    headline: [],
    targets: [],
    measure: () => Promise.resolve({ values: {}, warnings: [] }),
  }
}

const scenarios = [named('one'), named('two')]

describe('parseRun', () => {
  it('runs every scenario on both sides when nothing is asked for', () => {
    expect(parseRun([], scenarios)).toMatchObject({
      scenarios: [{ name: 'one' }, { name: 'two' }],
      sides: ['parley', 'peer'],
      rounds: 3,
      options: { seconds: 10 },
    })
  })

  it('keeps to the scenarios’ own order, whatever the order of their names', () => {
    const asked = parseRun(['two', 'one', '--side', 'peer', '--rounds', '5'], scenarios)
    const names = 'problem' in asked ? [] : asked.scenarios.map(({ name }) => name)
    expect(names).toEqual(['one', 'two'])
    expect(asked).toMatchObject({ sides: ['peer'], rounds: 5 })
  })

  it.each([
    [['three'], /no scenario "three"/],
    [['--rounds', 'many'], /--rounds must be a number/],
    [['--seconds', '0'], /--seconds must be a number of at least 1/],
    [['--side', 'both'], /--side must be parley or peer/],
    [['--colour'], /--colour/],
  ])('says what is wrong with %j', (args, words) => {
    expect(parseRun(args, scenarios)).toEqual({ problem: expect.stringMatching(words) })
  })
})
