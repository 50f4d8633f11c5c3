/** What is tried, and how much of it. */
export interface FuzzRuns {
  readonly seed: number
  readonly runs: number
  /** Milliseconds that one property may take. */
  readonly timeoutMs: number
}

/** Rounds of a property in the suite. */
const DEFAULT_RUNS = 400
/** A round of sixteen calls with large bodies, on a machine that is busy with other things. */
const MS_PER_RUN = 400

/** A new seed for every run, said aloud, unless `TEST_FUZZ_SEED` repeats one. */
export function fuzzRuns(): FuzzRuns {
  const seed = Number(process.env['TEST_FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  const runs = Number(process.env['TEST_FUZZ_RUNS'] ?? DEFAULT_RUNS)
  process.stdout.write(`fuzz: TEST_FUZZ_SEED=${seed} TEST_FUZZ_RUNS=${runs}\n`)
  return { seed, runs, timeoutMs: 60_000 + runs * MS_PER_RUN }
}
