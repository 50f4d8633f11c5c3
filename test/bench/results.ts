import type { Measurement, Scenario, Side, Target, Values } from './scenario.ts'

export interface Round {
  readonly round: number
  readonly side: Side
  readonly measurement?: Measurement
  /** Why there is no measurement. */
  readonly failure?: string
}

export interface Judged {
  readonly target: Target
  /** What is compared with the bound; absent when something that it needs was not measured. */
  readonly value?: number
  readonly isMet?: boolean
}

export interface ScenarioResult {
  readonly name: string
  readonly title: string
  readonly rounds: readonly Round[]
  readonly medians: Readonly<Partial<Record<Side, Values>>>
  readonly judged: readonly Judged[]
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/** The median of each metric over the rounds of one side; undefined when no round was measured. */
export function mediansOf(rounds: readonly Round[], side: Side): Values | undefined {
  const all = rounds.flatMap((one) =>
    one.side === side && one.measurement !== undefined ? [one.measurement.values] : [],
  )
  if (all.length === 0) return undefined
  const metrics = [...new Set(all.flatMap((values) => Object.keys(values)))]
  return Object.fromEntries(
    metrics.map((metric) => [metric, median(all.map((values) => values[metric] ?? Number.NaN))]),
  )
}

export type Lookup = (scenario: string, side: Side, metric: string) => number | undefined

function comparedWith(scenario: Scenario, target: Target, lookup: Lookup): number | undefined {
  if (target.kind === 'value') return 1
  if (target.kind === 'ratio') return lookup(scenario.name, 'peer', target.metric)
  return lookup(target.of.scenario, target.of.side, target.of.metric)
}

/** Holds Parley's medians against a target. */
export function judge(scenario: Scenario, target: Target, lookup: Lookup): Judged {
  const own = lookup(scenario.name, 'parley', target.metric)
  const base = comparedWith(scenario, target, lookup)
  if (own === undefined || base === undefined) return { target }
  const value = own / base
  const isMet = 'atLeast' in target ? value >= target.atLeast : value <= target.atMost
  return { target, value, isMet }
}
