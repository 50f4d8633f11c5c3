import type { Result } from './result.ts'
import { ROLES } from './steps.ts'

const MIB = 1024 * 1024

/** The run in figures, for people. */
export function formatResult(result: Result): string {
  const { seed, durationMs, evidence, violations, peakMemoryBytes, processes } = result
  const faultCount = Object.values(result.faults).reduce((sum, count) => sum + count, 0)
  const rows: readonly (readonly [string, string])[] = [
    ['seed', String(seed)],
    ['minutes', (durationMs / 60_000).toFixed(1)],
    ['steps', `${result.steps}, ${result.missed} of them with nobody there`],
    ['faults', String(faultCount)],
    ...Object.entries(result.faults).map(([name, count]) => [`  ${name}`, String(count)] as const),
    ['starts of the server', String(result.primaries)],
    ['messages acknowledged', `${evidence.acknowledged} of ${evidence.sent} sent`],
    ['sent again', String(evidence.repeated)],
    ['entries seen', String(evidence.entriesSeen)],
    ['disconnects', String(evidence.disconnects)],
    ['resumed', `${evidence.recovered}, ${evidence.unrecovered} told to fetch history`],
    ['left', `${evidence.left} times`],
    ['edits, deletions, clears, removals', String(evidence.changes)],
    ...Object.entries(result.talk).map(
      ([name, count]) => [`agents: ${name}`, String(count)] as const,
    ),
    ['slow readers cut off', String(result.slowReaders)],
    ...ROLES.map((role): readonly [string, string] => [
      `${role}: processes, peak memory`,
      `${processes[role]}, ${Math.round(peakMemoryBytes[role] / MIB)} MiB`,
    ]),
    ['violations', String(violations.length)],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const table = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
  if (violations.length === 0) return `${table}\n`
  return `${table}\n\n${violations.join('\n')}\n\nleft in ${result.keptIn}\n`
}
