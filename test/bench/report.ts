import type { Machine } from './machine.ts'
import type { Judged, ScenarioResult } from './results.ts'
import type { Scenario, Target } from './scenario.ts'

const NAME_CHARS = 22
const VALUE_CHARS = 13

/** Three digits that mean something, thousands grouped; nothing where nothing was measured. */
function number(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}

function row(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(NAME_CHARS)}${cells.map((cell) => cell.padStart(VALUE_CHARS)).join('')}`
}

function boundOf(target: Target): string {
  return 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`
}

function subjectOf(target: Target): string {
  if (target.kind === 'value') return target.metric
  if (target.kind === 'ratio') return `${target.metric}, parley : peer`
  return `${target.metric} : ${target.of.metric} of ${target.of.scenario}`
}

function judgement({ target, value, isMet }: Judged): string {
  const verdict = isMet === undefined ? 'not judged' : isMet ? 'target met' : 'TARGET MISSED'
  return `  ${verdict}: ${subjectOf(target)} ${boundOf(target)}, is ${number(value)}`
}

/** Failures and warnings of the rounds, one line each. */
function remarks(result: ScenarioResult): string[] {
  return result.rounds.flatMap(({ round, side, measurement, failure }) => {
    const all = failure === undefined ? (measurement?.warnings ?? []) : [`FAILED: ${failure}`]
    return all.map((text) => `  ! ${side}, round ${round}: ${text}`)
  })
}

export function formatMachine(machine: Machine): string {
  const { cores, cpuModel, memoryGb, kernel, node, startedAt, loadAverageAtStart } = machine
  return [
    `${startedAt}  ${cores} cores (${cpuModel}), ${memoryGb} GB, Linux ${kernel}, Node ${node}`,
    `load average at start: ${loadAverageAtStart.toFixed(2)}`,
  ].join('\n')
}

/** One scenario as a table: medians over the rounds, the ratio of the sides, and the targets. */
export function formatResult(result: ScenarioResult, scenario: Scenario): string {
  const { parley = {}, peer = {} } = result.medians
  const rows = scenario.headline.map((metric) => {
    const [own, other] = [parley[metric], peer[metric]]
    const ratio = own === undefined || other === undefined ? undefined : own / other
    return row(metric, [number(own), number(other), number(ratio)])
  })
  return [
    `${result.name}: ${result.title}`,
    row('', ['parley', 'peer', 'ratio']),
    ...rows,
    ...result.judged.map(judgement),
    ...remarks(result),
    '',
  ].join('\n')
}
