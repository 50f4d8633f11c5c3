import type { Struck } from './fault-runner.ts'
import type { Life } from './keeper.ts'

type Line = Life['process']['lines'][number]

/** What a primary says when it ends a process itself. */
const OWN_KILLS: ReadonlySet<unknown> = new Set([
  'process is stuck, killing it',
  'process did not finish, killing it',
])
/** What a primary says before processes end as they should, with code 0. */
const FINISHES: ReadonlySet<unknown> = new Set(['replacing gateways and agent hosts', 'draining'])

/** The part of a life that the accounts are made of. */
export interface LifeRecord extends Pick<Life, 'wasListening' | 'endedBy' | 'exit'> {
  readonly process: Pick<Life['process'], 'pid' | 'lines' | 'stderr'>
}

/**
 * Every process that ended without a reason, in words: a child ends because it was killed (by the
 * runner, or by the primary, which says so), or with code 0 because it was told to finish; a primary
 * ends with code 0 after SIGTERM, and otherwise only when it is killed.
 */
export function unexplainedEnds(lives: readonly LifeRecord[], struck: readonly Struck[]): string[] {
  const killed = new Set(struck.filter(({ signal }) => signal === 'SIGKILL').map(({ pid }) => pid))
  return lives.flatMap((life, index) => [
    ...childEnds(life, killed),
    ...primaryEnd(life, { struck, before: lives.slice(0, index) }),
  ])
}

function childEnds(
  { process: { lines }, wasListening }: LifeRecord,
  killed: ReadonlySet<number>,
): string[] {
  // A start that fails ends what it began; whether it may fail is asked of its primary.
  if (!wasListening) return []
  const ownKills = new Set(
    lines.filter(({ msg }) => OWN_KILLS.has(msg)).map(({ childPid }) => childPid),
  )
  const mayFinish = lines.some(({ msg }) => FINISHES.has(msg))
  const isDraining = lines.some(({ msg }) => msg === 'draining')
  const isExplained = ({ childPid, exitCode, signal }: Line): boolean => {
    if (exitCode === 0) return mayFinish
    if (signal !== 'SIGKILL') return false
    // What is not ready when the server drains is not waited for.
    return isDraining || killed.has(Number(childPid)) || ownKills.has(childPid)
  }
  return lines
    .filter((line) => line['msg'] === 'process ended' && !isExplained(line))
    .map(
      ({ childRole, childPid, exitCode, signal }) =>
        `${String(childRole)} ${String(childPid)} ended by itself (code ${String(exitCode)}, signal ${String(signal)})`,
    )
}

interface Circumstances {
  readonly struck: readonly Struck[]
  /** The lives before this one. */
  readonly before: readonly LifeRecord[]
}

function primaryEnd(life: LifeRecord, { struck, before }: Circumstances): string[] {
  const { exit, endedBy, wasListening } = life
  const { pid, stderr } = life.process
  const how = `(code ${exit?.code}, signal ${exit?.signal}): ${stderr.slice(-2_000)}`
  if (exit === undefined) return [`primary ${pid} did not end`]
  if (endedBy === 'SIGKILL') return []
  if (endedBy === 'SIGTERM') {
    return exit.code === 0 ? [] : [`primary ${pid} did not stop cleanly ${how}`]
  }
  if (wasListening) return [`primary ${pid} ended by itself ${how}`]
  // A start fails when one of its processes is hit, or while a killed server's are still there.
  const wasHit = struck.some(({ primaryPid }) => primaryPid === pid)
  const wasLocked =
    before.some(({ endedBy: earlier }) => earlier === 'SIGKILL') &&
    /held by another process|another server runs/.test(stderr)
  return wasHit || wasLocked ? [] : [`primary ${pid} did not start ${how}`]
}
