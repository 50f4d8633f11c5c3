import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { createPlan, formatStep } from './plan.ts'
import { formatResult } from './report.ts'
import { runPlan } from './run.ts'

const USAGE = `npm run torture -- [--seed N] [--minutes M] [--plan] [--json FILE] [--keep DIRECTORY]

Starts the server and kills, stops, ends and reloads its processes while clients use it; then holds
what every client saw against the database. Exit code 1 when a promise was broken.

  --seed N         fixes who does what when; the time of day when absent, and printed
  --minutes M      how long (1)
  --plan           prints the plan and runs nothing
  --json FILE      writes the result
  --keep DIRECTORY where the evidence of a failed run goes (a temporary directory)
`

const OPTIONS = {
  seed: { type: 'string' },
  minutes: { type: 'string', default: '1' },
  plan: { type: 'boolean', default: false },
  json: { type: 'string' },
  keep: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

function numberOf(name: string, word: string): number {
  const number = Number(word)
  if (word !== '' && number > 0) return number
  throw new Error(`--${name} takes a number above 0, not ${JSON.stringify(word)}`)
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function torture(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const seed = Math.floor(numberOf('seed', values.seed ?? String(Math.floor(Date.now() / 1_000))))
  const durationMs = Math.round(numberOf('minutes', values.minutes) * 60_000)
  const plan = createPlan(seed, durationMs)
  if (values.plan) {
    process.stdout.write(plan.steps.map((step) => `${formatStep(step)}\n`).join(''))
    return 0
  }
  tell(`seed ${seed}, ${plan.steps.length} steps`)
  const { keep } = values
  const result = await runPlan(plan, { tell, ...(keep !== undefined && { keepIn: keep }) })
  process.stdout.write(formatResult(result))
  if (values.json !== undefined) await writeFile(values.json, JSON.stringify(result, null, 2))
  return result.violations.length === 0 ? 0 : 1
}

try {
  process.exitCode = await torture()
} catch (error) {
  // What goes wrong in a run is its result: this is about the words of the command line.
  tell(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
  process.exitCode = 2
}
