import { writeFile } from 'node:fs/promises'
import { parseRun, USAGE } from './arguments.ts'
import { describeMachine } from './machine.ts'
import { formatMachine, formatResult } from './report.ts'
import { runAll } from './runner.ts'
import { SCENARIOS } from './scenarios/all.ts'

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Ends this process as the signal would have, once the servers are closed; waits of the load are left behind. */
function obeySignals(stop: AbortController): { raise(): void } {
  let received: NodeJS.Signals | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      received = signal
      stop.abort(new Error(`stopped by ${signal}`))
    })
  }
  return {
    raise: () => {
      if (received !== undefined) process.kill(process.pid, received)
    },
  }
}

async function run(signal: AbortSignal): Promise<number> {
  const asked = parseRun(process.argv.slice(2), SCENARIOS)
  if ('problem' in asked) {
    process.stderr.write(`${asked.problem}\n\n${USAGE}\n`)
    return 1
  }
  if (asked.isList) {
    for (const { name, title } of asked.scenarios) print(`${name.padEnd(16)}${title}`)
    return 0
  }
  const machine = describeMachine()
  print(formatMachine(machine))
  const { gatewayCount, seconds } = asked.options
  print(
    `${gatewayCount} gateways against ${gatewayCount} processes; ${asked.rounds} × ${seconds} s\n`,
  )
  const results = await runAll({
    ...asked,
    signal,
    onProgress: (line) => process.stderr.write(`${line}\n`),
    onResult: (result) => {
      const scenario = SCENARIOS.find(({ name }) => name === result.name)
      if (scenario !== undefined) print(formatResult(result, scenario))
    },
  })
  if (asked.jsonFile !== undefined) {
    const { options, rounds } = asked
    await writeFile(asked.jsonFile, JSON.stringify({ machine, rounds, options, results }, null, 2))
  }
  const hasFailed = results.some(({ rounds }) =>
    rounds.some(({ failure }) => failure !== undefined),
  )
  return hasFailed ? 1 : 0
}

const stop = new AbortController()
const signals = obeySignals(stop)
try {
  process.exitCode = await run(stop.signal)
} finally {
  signals.raise()
}
