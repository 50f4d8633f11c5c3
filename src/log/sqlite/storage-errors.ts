import Database from 'better-sqlite3'

const RESTORE = 'restore a backup: npm run restore -- <file>'

/** What people can do, by the beginning of SQLite's code; the first that fits. */
const REASONS: readonly (readonly [code: string, say: (message: string) => string])[] = [
  ['SQLITE_NOTADB', () => `the file is not a database, or its beginning is damaged; ${RESTORE}`],
  ['SQLITE_CORRUPT', (message) => `the database is damaged (${message}); ${RESTORE}`],
  ['SQLITE_IOERR_SHMSIZE', () => 'the disk is full; free some space'],
  ['SQLITE_FULL', () => 'the disk is full; free some space'],
  ['SQLITE_READONLY', (message) => `it cannot be written (${message}); mind its owner and mode`],
  [
    'SQLITE_CANTOPEN',
    (message) => `it cannot be opened for writing (${message}); mind its owner and mode`,
  ],
  [
    'SQLITE_IOERR',
    (message) => `the disk does not work, or is full (${message}); see the system's log`,
  ],
]

/** SQLite's code, extended where there is one; undefined for what is not SQLite's. */
function sqliteCode(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined
}

/**
 * Whether there was no room for a change. SQLite reports it before the commit is part of the log, and has
 * undone all of it; the connection can go on. (A disk that has no room only in fsync is an I/O error.)
 */
export function isFull(error: unknown): boolean {
  return sqliteCode(error) === 'SQLITE_FULL'
}

/** Whether the file's content is what is wrong: nothing but another file helps. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error) ?? ''
  return code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')
}

/** What happened to the storage and what to do, for the person who runs the server. */
export function storageReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = sqliteCode(error)
  const found = REASONS.find(([start]) => code?.startsWith(start))
  return found === undefined ? error.message : found[1](`${error.message}, ${code}`)
}
