import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'

/** A killed server's processes may still be ending; after this the other one is alive. */
const WAIT_MS = 5_000
const RETRY_EVERY_MS = 100

export interface FileLock {
  close(): void
}

/** The lock is held by another process that does not let go. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError'
}

function tryLock(file: string): FileLock | undefined {
  const database = new Database(file, { timeout: 0 })
  try {
    // Nothing is ever written: the journal would be one more file for nothing.
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    const code = error instanceof Database.SqliteError ? error.code : ''
    if (code.startsWith('SQLITE_BUSY')) return undefined
    throw error
  }
}

/**
 * Holds a file for this process alone, until `close` or the end of the process, however it ends: the
 * kernel frees SQLite's lock with the process, so no stale pid file can block a start.
 *
 * @throws LockHeldError when another process still holds it after `waitMs`.
 */
export async function openFileLock(file: string, waitMs: number = WAIT_MS): Promise<FileLock> {
  const deadlineMs = performance.now() + waitMs
  for (;;) {
    const lock = tryLock(file)
    if (lock !== undefined) return lock
    if (performance.now() >= deadlineMs) {
      throw new LockHeldError(`${file} is held by another process (waited ${waitMs} ms)`)
    }
    await delay(RETRY_EVERY_MS)
  }
}
