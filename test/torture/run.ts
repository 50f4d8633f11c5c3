import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../cluster/support/eventually.ts'
import type { Journal } from '../cluster/support/journal.ts'
import { quiesce } from '../cluster/support/load.ts'
import { judge } from '../cluster/support/oracle.ts'
import type { Verdict } from '../cluster/support/oracle.ts'
import { findDamage, readTruth } from '../cluster/support/truth.ts'
import type { ChannelTruth } from '../cluster/support/truth.ts'
import { unexplainedEnds } from './accounts.ts'
import { Census } from './census.ts'
import { FaultRunner } from './fault-runner.ts'
import { judgeTalk } from './judge-talk.ts'
import { Keeper } from './keeper.ts'
import { keepEvidence } from './keep-evidence.ts'
import { Hook } from './hook.ts'
import { formatStep } from './plan.ts'
import { ROLES } from './steps.ts'
import type { Plan, Role, Step } from './steps.ts'
import type { Result } from './result.ts'
import { agentJournals, everybodyHeard, findLeftovers, settleTalk } from './talk.ts'
import { agentSettings, openTalkRooms, writeWorkers } from './talk-rooms.ts'
import type { TalkTruth } from './talk-truth.ts'
import { Troupe } from './troupe.ts'

const PROGRESS_EVERY_MS = 10_000
/** Nobody is told to fetch history instead: every gap is to be replayed. */
const MAX_RESUME_ENTRIES = 100_000
/** A process of any role that takes more is not bounded; they take a fifth of it. */
const MAX_MEMORY_BYTES = 768 * 1024 * 1024

export interface RunOptions {
  /** Gets a line for every fault, and the counts every ten seconds. */
  readonly tell: (line: string) => void
  /** Where the evidence of a failed run goes; a fresh temporary directory when absent. */
  readonly keepIn?: string
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return port
}

/** One run: the server, those who use it, and those who hit it. */
class Torture {
  readonly #plan: Plan
  readonly #options: RunOptions
  readonly #dir: string
  readonly #keeper: Keeper
  readonly #faults: FaultRunner
  readonly #census: Census
  readonly #troupe: Troupe
  readonly #startedMs = performance.now()
  #journals: readonly Journal[] = []
  #truths: readonly ChannelTruth[] = []
  #talks: readonly TalkTruth[] = []

  constructor(
    plan: Plan,
    options: RunOptions,
    place: { readonly dir: string; readonly port: number; readonly hookUrl: string },
  ) {
    const { gateways, agentHosts } = plan.cast
    this.#plan = plan
    this.#options = options
    this.#dir = place.dir
    this.#keeper = new Keeper({
      port: place.port,
      gateways,
      agentHosts,
      environment: {
        PARLEY_DATA_DIR: this.#dataDir,
        PARLEY_WORKERS_DIR: path.join(place.dir, 'workers'),
        PARLEY_GATEWAYS: String(gateways),
        PARLEY_AGENT_HOSTS: String(agentHosts),
        PARLEY_DRAIN_MS: '2000',
        PARLEY_MAX_RESUME_ENTRIES: String(MAX_RESUME_ENTRIES),
        PARLEY_MAX_QUEUE_BYTES: '65536',
        PARLEY_LOG_LEVEL: 'debug',
        ...agentSettings(place.hookUrl),
      },
    })
    this.#faults = new FaultRunner(this.#keeper)
    this.#census = new Census(this.#keeper)
    this.#troupe = new Troupe(plan.cast, place.port)
  }

  get #dataDir(): string {
    return path.join(this.#dir, 'data')
  }

  async run(): Promise<Result> {
    try {
      await this.#keeper.start()
      await openTalkRooms(this.#keeper.url, this.#keeper.lives[0]?.process.lines ?? [])
      await this.#troupe.open(this.#plan.cast)
      await this.#play()
      return await this.#conclude(await this.#finish())
    } catch (error) {
      return await this.#conclude(this.#unfinished(error))
    } finally {
      this.#faults.close()
      this.#census.close()
      await this.#troupe.close()
      this.#keeper.kill()
    }
  }

  async #play(): Promise<void> {
    const startMs = performance.now()
    const progress = setInterval(() => {
      this.#tellCounts()
    }, PROGRESS_EVERY_MS)
    for (const step of this.#plan.steps) {
      const waitMs = startMs + step.atMs - performance.now()
      if (waitMs > 0) await delay(waitMs)
      this.#act(step)
    }
    await delay(Math.max(0, startMs + this.#plan.durationMs - performance.now()))
    clearInterval(progress)
  }

  #act(step: Step): void {
    if (step.does !== 'fault') {
      this.#troupe.act(step)
      return
    }
    const struck = this.#faults.strike(step)
    const target = struck === undefined ? 'nobody there' : `process ${struck.pid}`
    this.#options.tell(`${formatStep(step)} → ${target}`)
  }

  /** Lets everything come to rest, stops the server, and judges. */
  async #finish(): Promise<Verdict> {
    const { tell } = this.#options
    tell('the plan is over; waiting for everything to come to rest')
    this.#faults.release()
    await this.#keeper.healed()
    await this.#troupe.settle()
    const { url } = this.#keeper
    const marker = await quiesce(url, this.#troupe.members)
    tell('waiting for the agents')
    const place = { url, dataDir: this.#dataDir }
    this.#talks = await settleTalk(place, this.#troupe.ears)
    await everybodyHeard(this.#talks, this.#troupe.members)
    const leftovers = await findLeftovers(place)
    this.#truths = await readTruth(place, this.#troupe.channels)
    this.#journals = [...this.#troupe.journals, marker]
    this.#tellCounts()
    await this.#troupe.close()
    await this.#keeper.stop()
    const journals = [...this.#journals, ...agentJournals(this.#truths, this.#journals)]
    const { violations, evidence } = judge(journals, this.#truths, MAX_RESUME_ENTRIES)
    return { violations: [...violations, ...leftovers, ...(await this.#inspect())], evidence }
  }

  /** What the clients cannot see. */
  async #inspect(): Promise<string[]> {
    const leftBehind = await this.#leftBehind()
    const { lives } = this.#keeper
    const tooLarge = ROLES.filter((role) => this.#census.peakBytes(role) > MAX_MEMORY_BYTES)
    return [
      ...this.#troupe.problems,
      ...this.#faults.problems,
      ...unexplainedEnds(lives, this.#faults.struck),
      ...leftBehind,
      ...findDamage(this.#dataDir),
      ...tooLarge.map((role) => `a ${role} took ${this.#census.peakBytes(role)} bytes of memory`),
    ]
  }

  async #leftBehind(): Promise<string[]> {
    try {
      await eventually(() => this.#census.alive().length === 0, {
        what: 'the end of all processes',
      })
      return []
    } catch {
      return this.#census.alive().map(({ pid, role }) => `${role} ${pid} was left behind`)
    }
  }

  /** The verdict on a run that did not come to rest: that, and what it is to be judged by. */
  #unfinished(error: unknown): Verdict {
    this.#journals = this.#troupe.journals
    const reason = error instanceof Error ? error.message : String(error)
    const { evidence } = judge(this.#journals, [], MAX_RESUME_ENTRIES)
    return { violations: [`it did not come to rest: ${reason}`], evidence }
  }

  async #conclude({ violations, evidence }: Verdict): Promise<Result> {
    const { seed, durationMs, steps } = this.#plan
    const { lives } = this.#keeper
    const talk = judgeTalk({
      talks: this.#talks,
      truths: this.#truths,
      ears: this.#troupe.ears,
      struck: this.#faults.struck,
    })
    const faults: Record<string, number> = {}
    for (const { role, signal } of this.#faults.struck) {
      faults[`${role} ${signal}`] = (faults[`${role} ${signal}`] ?? 0) + 1
    }
    const processes = ROLES.map((role) => [role, this.#census.countOf(role)] as const)
    const lines = lives.flatMap(({ process }) => process.lines)
    const result = {
      seed,
      durationMs,
      steps: steps.length,
      missed: this.#faults.missedCount + this.#troupe.missedCount,
      faults,
      primaries: lives.length,
      processes: Object.fromEntries(processes) as Record<Role, number>,
      peakMemoryBytes: this.#census.peaks(),
      slowReaders: lines.filter(({ msg }) => msg === 'reader too slow, connection closed').length,
      evidence,
      talk: talk.evidence,
      violations: [...violations, ...talk.violations],
    }
    if (result.violations.length === 0) return result
    const keptIn = await keepEvidence(this.#options.keepIn ?? this.#dir, {
      plan: this.#plan,
      result,
      journals: this.#journals,
      truths: this.#truths,
      ears: this.#troupe.ears,
      talks: this.#talks,
      lives,
    })
    return { ...result, keptIn }
  }

  #tellCounts(): void {
    const seconds = Math.round((performance.now() - this.#startedMs) / 1_000)
    const { struck } = this.#faults
    this.#options.tell(
      `${seconds} s: ${this.#troupe.acknowledgedCount} acknowledged, ${struck.length} faults, ${this.#keeper.lives.length} primaries`,
    )
  }
}

/** Plays a plan against the real executable and judges; resolves also when promises were broken. */
export async function runPlan(plan: Plan, options: RunOptions): Promise<Result> {
  const dir = await mkdtemp(path.join(tmpdir(), 'parley-torture-'))
  await writeWorkers(path.join(dir, 'workers'))
  await using hook = await Hook.open()
  const place = { dir, port: await freePort(), hookUrl: hook.url }
  const result = await new Torture(plan, options, place).run()
  if (result.violations.length === 0) await rm(dir, { recursive: true, force: true })
  return result
}
