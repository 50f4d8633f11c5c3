import { availableParallelism } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { RunPlan } from './runner.ts'
import type { Scenario, Side } from './scenario.ts'

export const USAGE = `npm run bench -- [scenario…] [options]

  --rounds <n>       measurements of each side, alternating; the medians count (3)
  --seconds <n>      length of one measurement (10)
  --warm-up <n>      seconds of load before it (3)
  --gateways <n>     gateways of Parley and processes of the peer (cores - 1: the load needs one)
  --side <side>      parley or peer only
  --entry <file>     another build's main.js (dist/main.js)
  --profile <dir>    CPU profiles of Parley's processes, as <scenario>-<round>/<role>-<pid>
  --json <file>      everything that was measured
  --list             the scenarios`

const OPTIONS = {
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '10' },
  'warm-up': { type: 'string', default: '3' },
  gateways: { type: 'string', default: String(Math.max(1, availableParallelism() - 1)) },
  side: { type: 'string' },
  entry: { type: 'string', default: 'dist/main.js' },
  profile: { type: 'string' },
  json: { type: 'string' },
  list: { type: 'boolean', default: false },
} as const

interface Problem {
  readonly problem: string
}

export interface AskedRun extends Omit<RunPlan, 'onProgress' | 'onResult' | 'signal'> {
  readonly isList: boolean
  readonly jsonFile?: string
}

function atLeast(name: string, text: string, least: number): number {
  const value = Number(text)
  if (Number.isFinite(value) && value >= least) return value
  throw new Error(`--${name} must be a number of at least ${least}, not "${text}"`)
}

function whole(name: string, text: string): number {
  return Math.floor(atLeast(name, text, 1))
}

function sidesOf(side: string | undefined): readonly Side[] {
  if (side === undefined) return ['parley', 'peer']
  if (side === 'parley' || side === 'peer') return [side]
  throw new Error(`--side must be parley or peer, not "${side}"`)
}

function chosen(names: readonly string[], scenarios: readonly Scenario[]): readonly Scenario[] {
  const unknown = names.find((name) => scenarios.every((scenario) => scenario.name !== name))
  if (unknown !== undefined) throw new Error(`there is no scenario "${unknown}"`)
  return names.length === 0 ? scenarios : scenarios.filter(({ name }) => names.includes(name))
}

/** What the command line asks for, or what is wrong with it. */
export function parseRun(
  args: readonly string[],
  scenarios: readonly Scenario[],
): AskedRun | Problem {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    })
    return {
      scenarios: chosen(positionals, scenarios),
      rounds: whole('rounds', values.rounds),
      sides: sidesOf(values.side),
      options: {
        seconds: atLeast('seconds', values.seconds, 1),
        warmUpSeconds: atLeast('warm-up', values['warm-up'], 0),
        gatewayCount: whole('gateways', values.gateways),
        entry: path.resolve(values.entry),
        ...(values.profile !== undefined && { profileDir: path.resolve(values.profile) }),
      },
      isList: values.list,
      ...(values.json !== undefined && { jsonFile: path.resolve(values.json) }),
    }
  } catch (error) {
    // Ours from above, or what parseArgs says of unknown options.
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}
