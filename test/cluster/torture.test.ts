import { describe, expect, it } from 'vitest'
import { unexplainedEnds } from '../torture/accounts.ts'
import type { LifeRecord } from '../torture/accounts.ts'
import type { Struck } from '../torture/fault-runner.ts'
import { createPlan } from '../torture/plan.ts'
import { formatResult } from '../torture/report.ts'
import type { Result } from '../torture/result.ts'
import { runPlan } from '../torture/run.ts'
import { ROLES } from '../torture/steps.ts'
import type { Plan } from '../torture/steps.ts'

const MINUTE_MS = 60_000
/** Half a minute of plan, and what it takes to come to rest: up to a heartbeat and a restart. */
const RUN_TIMEOUT_MS = 5 * MINUTE_MS
const RUN_MS = 30_000

const hits = ({ steps }: Plan): Set<string> =>
  new Set(steps.flatMap((step) => (step.does === 'fault' ? [`${step.role} ${step.signal}`] : [])))

describe('a plan of torture', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(createPlan(7, MINUTE_MS)).toEqual(createPlan(7, MINUTE_MS))
    const other = createPlan(8, MINUTE_MS)
    expect(other.steps).not.toEqual(createPlan(7, MINUTE_MS).steps)
    expect(other.cast).toEqual(createPlan(7, MINUTE_MS).cast)
  })

  it('begins alike however long it is', () => {
    const short = createPlan(7, MINUTE_MS).steps.filter(({ does }) => does === 'fault')
    const long = createPlan(7, 5 * MINUTE_MS).steps.filter(({ does }) => does === 'fault')
    expect(long.slice(0, short.length)).toEqual(short)
  })

  it('goes forward in time and hits every role with everything within two minutes', () => {
    const { steps, durationMs } = createPlan(7, 2 * MINUTE_MS)
    expect(steps.map(({ atMs }) => atMs)).toEqual(
      steps.map(({ atMs }) => atMs).toSorted((one, other) => one - other),
    )
    expect(steps.every(({ atMs }) => atMs >= 0 && atMs <= durationMs)).toBe(true)
    const signals = ['SIGKILL', 'SIGSTOP', 'SIGTERM', 'SIGUSR2']
    const wanted = ROLES.flatMap((role) => signals.map((signal) => `${role} ${signal}`))
    expect([...hits(createPlan(7, 2 * MINUTE_MS))].toSorted()).toEqual(wanted.toSorted())
  })
})

const ended = (exitCode: number | null, signal: string | null) => ({
  msg: 'process ended',
  childRole: 'gateway',
  childPid: 11,
  exitCode,
  signal,
})
const life = (lines: readonly object[], rest: Partial<LifeRecord> = {}): LifeRecord => ({
  process: { pid: 10, lines: lines as LifeRecord['process']['lines'], stderr: '' },
  wasListening: true,
  endedBy: 'SIGTERM',
  exit: { code: 0, signal: null },
  ...rest,
})
const strike = (signal: Struck['signal']): Struck => ({
  pid: 11,
  role: 'gateway',
  signal,
  primaryPid: 10,
  isLeft: false,
})

describe('the accounts of ended processes', () => {
  const replacing = { msg: 'replacing gateways and agent hosts' }
  const stuck = { msg: 'process is stuck, killing it', childPid: 11 }

  it('accept what was killed, by whomever, and what was told to finish', () => {
    expect(unexplainedEnds([life([ended(null, 'SIGKILL')])], [strike('SIGKILL')])).toEqual([])
    expect(unexplainedEnds([life([stuck, ended(null, 'SIGKILL')])], [])).toEqual([])
    expect(unexplainedEnds([life([replacing, ended(0, null)])], [])).toEqual([])
    const killed = life([], { endedBy: 'SIGKILL', exit: { code: null, signal: 'SIGKILL' } })
    expect(unexplainedEnds([killed], [])).toEqual([])
  })

  it.each<[what: string, found: string, lives: readonly LifeRecord[]]>([
    ['a child that SIGTERM ended', 'signal SIGTERM', [life([ended(null, 'SIGTERM')])]],
    ['a child that failed', 'code 1', [life([replacing, ended(1, null)])]],
    ['a child that ended for no reason', 'code 0', [life([ended(0, null)])]],
    ['a child that a stranger killed', 'SIGKILL', [life([ended(null, 'SIGKILL')])]],
    [
      'a primary that failed to stop',
      'stop cleanly',
      [life([], { exit: { code: 1, signal: null } })],
    ],
  ])('find %s', (_what, found, lives) => {
    expect(unexplainedEnds(lives, [strike('SIGTERM')]).join('\n')).toContain(found)
  })

  it('find a primary that ended by itself, and one that did not start without a cause', () => {
    const { endedBy: _endedBy, ...own } = life([], { exit: { code: 1, signal: null } })
    expect(unexplainedEnds([own], []).join('\n')).toContain('ended by itself')
    const refused = { ...own, wasListening: false }
    expect(unexplainedEnds([refused], []).join('\n')).toContain('did not start')
    expect(unexplainedEnds([refused], [strike('SIGKILL')])).toEqual([])
    const { process: server } = life([ended(null, 'SIGKILL')])
    expect(unexplainedEnds([{ ...refused, process: server }], [strike('SIGSTOP')])).toEqual([])
  })
})

/**
 * Half a minute with a plan that is always the same, so that what it found once it is likely to find
 * again; and half a minute with the seed of the moment, since a plan that passed a hundred times proves
 * less than a new one: the suite runs often, and its runs add up to hours that no fixed seed would
 * cover. Which seed it was is printed, and a red run is run again with it, as long as it takes.
 */
const SEEDS: readonly (readonly [name: string, seed: number])[] = [
  ['the fixed seed', 4],
  ['the seed of the moment', Math.floor(Date.now() / 1_000)],
]

async function torture(seed: number): Promise<Result> {
  const told: string[] = []
  const result = await runPlan(createPlan(seed, RUN_MS), { tell: (line) => told.push(line) })
  process.stderr.write(`torture, seed ${seed}: ${result.evidence.acknowledged} acknowledged\n`)
  if (result.violations.length > 0) {
    process.stderr.write(`${told.join('\n')}\n${formatResult(result)}`)
  }
  return result
}

describe('a server under fire', { timeout: RUN_TIMEOUT_MS }, () => {
  it.each(SEEDS)('keeps every promise with %s (%i)', async (_name, seed) => {
    const result = await torture(seed)
    expect(result.violations).toEqual([])
    // And a run in which little happened would prove little.
    const { acknowledged, recovered, left, changes } = result.evidence
    expect(acknowledged).toBeGreaterThan(500)
    expect(Math.min(recovered, left, changes)).toBeGreaterThan(20)
    const { streamsShown, chunks, completesDue } = result.talk
    expect(chunks).toBeGreaterThan(100)
    expect(Math.min(streamsShown, completesDue)).toBeGreaterThan(5)
    const faults = Object.values(result.faults).reduce((sum, number) => sum + number, 0)
    expect(faults).toBeGreaterThan(4)
  })
})
