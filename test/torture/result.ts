import type { Verdict } from '../cluster/support/oracle.ts'
import type { TalkEvidence } from './judge-talk.ts'
import type { Role } from './steps.ts'

/** What came of a run. */
export interface Result {
  readonly seed: number
  readonly durationMs: number
  readonly steps: number
  /** Steps that found nobody to act on, the server or a client being away. */
  readonly missed: number
  /** By role and signal, such as `writer SIGKILL`. */
  readonly faults: Readonly<Record<string, number>>
  readonly primaries: number
  readonly processes: Readonly<Record<Role, number>>
  readonly peakMemoryBytes: Readonly<Record<Role, number>>
  /** Readers that were cut off because they did not read. */
  readonly slowReaders: number
  readonly evidence: Verdict['evidence']
  /** Of the rooms with agents. */
  readonly talk: TalkEvidence
  readonly violations: readonly string[]
  /** Where journals, database and logs were left; only of a run that failed. */
  readonly keptIn?: string
}
