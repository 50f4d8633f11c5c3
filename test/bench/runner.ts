import path from 'node:path'
import { createDeferred } from '../../src/util/deferred.ts'
import { judge, mediansOf } from './results.ts'
import type { Lookup, Round, ScenarioResult } from './results.ts'
import type { Measurement, MeasureOptions, RunOptions, Scenario, Side, Values } from './scenario.ts'
import { startServer } from './servers/start-server.ts'

/** Above everything that a scenario may take besides its window; a side that needs longer hangs. */
const SLACK_MS = 240_000

export interface RunPlan {
  readonly scenarios: readonly Scenario[]
  readonly rounds: number
  /** Measured at all; both by default. */
  readonly sides: readonly Side[]
  readonly options: Omit<RunOptions, 'earlier'>
  readonly onProgress: (line: string) => void
  readonly onResult: (result: ScenarioResult) => void
  /** Aborted: the server under test is closed, and nothing further is measured. */
  readonly signal: AbortSignal
}

/** Alternates who goes first: what the machine does meanwhile then favours neither. */
function orderOf(scenario: Scenario, plan: RunPlan, round: number): readonly Side[] {
  const order: readonly Side[] = round % 2 === 1 ? ['peer', 'parley'] : ['parley', 'peer']
  return order.filter((side) => scenario.sides.includes(side) && plan.sides.includes(side))
}

/** Rejects when the work takes too long, or with the reason of the signal. */
async function bounded<Result>(
  work: Promise<Result>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Result> {
  const { promise, reject } = createDeferred<never>()
  const stop = (): void => {
    reject(signal.reason)
  }
  signal.addEventListener('abort', stop)
  const timer = setTimeout(() => {
    reject(new Error(`no result within ${Math.round(timeoutMs / 1_000)} s`))
  }, timeoutMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

async function measureOnce(
  scenario: Scenario,
  side: Side,
  { options, signal }: { readonly options: MeasureOptions; readonly signal: AbortSignal },
): Promise<Measurement> {
  const server = await (scenario.start?.(side, options) ?? startServer(side, options))
  try {
    signal.throwIfAborted()
    const timeoutMs = (options.seconds + options.warmUpSeconds) * 1_000 + SLACK_MS
    return await bounded(scenario.measure(server, options), timeoutMs, signal)
  } finally {
    await server.close()
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** One side that fails is a result of its own; whatever comes after it is still measured. */
async function runRound(
  scenario: Scenario,
  at: Pick<Round, 'round' | 'side'>,
  plan: { readonly options: MeasureOptions; readonly signal: AbortSignal },
): Promise<Round> {
  const { options, signal } = plan
  const { profileDir } = options
  const own =
    profileDir === undefined
      ? options
      : { ...options, profileDir: path.join(profileDir, `${scenario.name}-${at.round}`) }
  try {
    return { ...at, measurement: await measureOnce(scenario, at.side, { options: own, signal }) }
  } catch (error) {
    signal.throwIfAborted()
    return { ...at, failure: reasonOf(error) }
  }
}

async function runScenario(
  scenario: Scenario,
  plan: RunPlan,
  lookup: Lookup,
): Promise<readonly Round[]> {
  const options: RunOptions = { ...plan.options, earlier: lookup }
  let prepared: Values
  try {
    prepared = (await scenario.prepare?.(options)) ?? {}
  } catch (error) {
    const failure = `nothing was measured: ${reasonOf(error)}`
    return plan.sides.map((side) => ({ round: 1, side, failure }))
  }
  const rounds: Round[] = []
  for (let round = 1; round <= plan.rounds; round += 1) {
    for (const side of orderOf(scenario, plan, round)) {
      plan.onProgress(`${scenario.name}: round ${round} of ${plan.rounds}, ${side}`)
      const own = { options: { ...options, prepared }, signal: plan.signal }
      rounds.push(await runRound(scenario, { round, side }, own))
    }
  }
  return rounds
}

/** Runs the scenarios one after the other, each round with fresh servers; reports each when it is done. */
export async function runAll(plan: RunPlan): Promise<readonly ScenarioResult[]> {
  const results: ScenarioResult[] = []
  const medians = new Map<string, ScenarioResult['medians']>()
  const lookup: Lookup = (name, side, metric) => medians.get(name)?.[side]?.[metric]
  for (const scenario of plan.scenarios) {
    const rounds = await runScenario(scenario, plan, lookup)
    const parley = mediansOf(rounds, 'parley')
    const peer = mediansOf(rounds, 'peer')
    medians.set(scenario.name, { ...(parley && { parley }), ...(peer && { peer }) })
    const result: ScenarioResult = {
      name: scenario.name,
      title: scenario.title,
      rounds,
      medians: medians.get(scenario.name) ?? {},
      judged: scenario.targets.map((target) => judge(scenario, target, lookup)),
    }
    results.push(result)
    plan.onResult(result)
  }
  return results
}
