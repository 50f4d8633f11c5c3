import { closeSync, fdatasyncSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'
import { openSnapshotDatabase } from './open-database.ts'

/** Pages (4 KiB) of one step. More: fewer looks at the signal and at the progress. */
const STEP_PAGES = 2_048
/** Steps between two writes to the disk: what is left for the end would stall everybody's fsync. */
const STEPS_PER_SYNC = 4

export interface CopyOptions {
  /** Aborted: the copy ends soon, rejects, and leaves the target unfinished. */
  readonly signal: AbortSignal
  readonly onProgress: (copiedPages: number, totalPages: number) => void
}

/**
 * Copies one committed moment of a database, with what is only in its log yet, into a new file that is
 * whole by itself; writers and readers of the source go on meanwhile.
 *
 * One read transaction spans all steps: without it every commit of another process starts the copy
 * again, so that under load it never ends (measured: 2,000 steps, no end). Its price is that the
 * source's log is not cut while the copy runs: it grows by what is written meanwhile, and is cut by the
 * first checkpoint after it.
 *
 * @throws an `Error` that says why the source cannot be opened, `AbortError`, or the copy's own failure.
 */
export async function copyDatabase(
  source: string,
  target: string,
  options: CopyOptions,
): Promise<void> {
  const database = openSnapshotDatabase(source)
  try {
    // Mode 0600 from its first moment, and only where nothing is.
    const descriptor = openSync(target, 'wx', 0o600)
    try {
      database.exec('BEGIN')
      database.prepare('SELECT 1 FROM meta').get()
      await database.backup(target, { progress: paced(descriptor, options) })
    } finally {
      closeSync(descriptor)
    }
  } finally {
    database.close()
  }
  makeOneFile(target)
}

function paced(descriptor: number, { signal, onProgress }: CopyOptions) {
  let steps = 0
  return ({ totalPages, remainingPages }: Database.BackupMetadata): number => {
    signal.throwIfAborted()
    onProgress(totalPages - remainingPages, totalPages)
    steps += 1
    if (steps % STEPS_PER_SYNC === 0) fdatasyncSync(descriptor)
    return STEP_PAGES
  }
}

/** A copy is marked as having a log beside it, like its source; without that it can be read anywhere. */
function makeOneFile(file: string): void {
  const database = new Database(file, { fileMustExist: true })
  try {
    database.pragma('journal_mode = DELETE')
  } finally {
    database.close()
  }
}
