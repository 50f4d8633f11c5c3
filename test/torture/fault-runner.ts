import { isAlive } from '../cluster/support/server.ts'
import type { Keeper, Life } from './keeper.ts'
import { ageSeconds } from './processes.ts'
import type { Running } from './processes.ts'
import type { Fault, Role } from './steps.ts'

/** A process that was just started takes a signal as Node does, not as the program wants. */
const MIN_AGE_SECONDS = 2
/** A stopped process that its primary has not ended by then goes on: one that was not ready yet has a minute. */
const MAX_STOPPED_MS = 75_000

/** A signal that was sent. */
export interface Struck {
  readonly pid: number
  readonly role: Role
  readonly signal: Fault['signal']
  readonly primaryPid: number
  readonly isLeft: boolean
}

interface Stopped {
  readonly struck: Struck
  readonly timer: NodeJS.Timeout
}

/** Hits processes as the plan says. */
export class FaultRunner {
  readonly struck: Struck[] = []
  readonly problems: string[] = []
  /** Faults that found nothing to hit: the server was away at that moment. */
  missedCount = 0
  readonly #keeper: Keeper
  readonly #stopped = new Map<number, Stopped>()

  constructor(keeper: Keeper) {
    this.#keeper = keeper
  }

  /** Answers whom it hit; undefined when nobody was there. */
  strike(fault: Fault): Struck | undefined {
    const life = fault.role === 'primary' ? this.#keeper.serving : this.#keeper.life
    const target = life === undefined ? undefined : this.#targetOf(fault, life)
    if (life === undefined || target === undefined) {
      this.missedCount += 1
      return undefined
    }
    const { role, signal, forMs } = fault
    const isLeft = signal === 'SIGSTOP' && forMs === undefined
    const struck = { pid: target.pid, role, signal, primaryPid: life.process.pid, isLeft }
    this.#send(struck, life)
    this.struck.push(struck)
    if (signal === 'SIGSTOP') this.#remember(struck, forMs ?? MAX_STOPPED_MS)
    return struck
  }

  /** Lets everything go on that is not left for the heartbeat. */
  release(): void {
    for (const [pid, { struck }] of this.#stopped) if (!struck.isLeft) this.#continue(pid)
  }

  /** Ends all timers; nothing may be stopped any more. */
  close(): void {
    for (const pid of this.#stopped.keys()) this.#continue(pid)
  }

  #targetOf({ role, signal, which }: Fault, life: Life): Running | undefined {
    const { pid } = life.process
    if (role === 'primary') {
      return this.#stopped.has(pid) && signal === 'SIGSTOP' ? undefined : { pid, role }
    }
    const minAge = signal === 'SIGKILL' ? 0 : MIN_AGE_SECONDS
    const candidates = this.#keeper.children.filter(
      (child) =>
        child.role === role && !this.#stopped.has(child.pid) && ageSeconds(child.pid) >= minAge,
    )
    return candidates[Math.floor(which * candidates.length)]
  }

  #send({ pid, role, signal }: Struck, life: Life): void {
    const isEnd = signal === 'SIGKILL' || signal === 'SIGTERM'
    if (role !== 'primary' || !isEnd) {
      process.kill(pid, signal)
      return
    }
    this.#keeper.end(life, signal)
    if (signal === 'SIGTERM') return
    // Whoever watched over its children is gone; an orphan that is stopped for ever cannot even end.
    for (const [stoppedPid, { struck }] of this.#stopped) {
      if (struck.isLeft || stoppedPid === pid) this.#continue(stoppedPid)
    }
  }

  #remember(struck: Struck, forMs: number): void {
    const timer = setTimeout(() => {
      const isSamePrimary = this.#keeper.serving?.process.pid === struck.primaryPid
      if (struck.isLeft && isSamePrimary && isAlive(struck.pid)) {
        this.problems.push(
          `${struck.role} ${struck.pid} was stopped for ${forMs} ms and nobody replaced it`,
        )
      }
      this.#continue(struck.pid)
    }, forMs)
    this.#stopped.set(struck.pid, { struck, timer })
  }

  #continue(pid: number): void {
    const stopped = this.#stopped.get(pid)
    if (stopped === undefined) return
    clearTimeout(stopped.timer)
    this.#stopped.delete(pid)
    if (isAlive(pid)) process.kill(pid, 'SIGCONT')
  }
}
