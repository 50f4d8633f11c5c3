import { closeSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { Database as Connection, Options } from 'better-sqlite3'
import { checkIdentity, migrate, SCHEMA_VERSION } from './migrate.ts'
import { requireSqliteVersion } from './sqlite-version.ts'
import { storageReason } from './storage-errors.ts'

/** What a commit waits for: `full`, the disk; `normal`, the kernel. */
export type Durability = 'full' | 'normal'

const SQLITE_LIMITS = {
  /** Milliseconds the writer waits for a dying predecessor's lock; then the open or commit fails. */
  writerBusyTimeoutMs: 5_000,
  /** Most milliseconds a reader may be told to wait: its whole process stands still meanwhile. */
  maxReaderBusyTimeoutMs: 250,
  /**
   * Pages (4 KiB) of the log after which a commit copies home what the checkpoint thread has left, and
   * begins the log anew. More: rarer pauses of some milliseconds, and a log that grows longer, which makes
   * each fsync dearer (0.35 against 0.12 ms where the log is overwritten, measured).
   */
  checkpointPages: 4_000,
  /** Bytes to which the log file is cut after a reset: above what it holds then, so that it is not made anew each time. */
  journalSizeLimitBytes: 64 * 1024 * 1024,
  /** KiB of pages that the writer caches. */
  writerCacheKib: 65_536,
  /** KiB of pages that each reader caches. */
  readerCacheKib: 16_384,
} as const

/** The connection that writes. Creates the file (mode 0600, the log beside it likewise) and migrates it. */
export function openWriterDatabase(file: string, durability: Durability): Connection {
  closeSync(openSync(file, 'a', 0o600))
  const timeout = SQLITE_LIMITS.writerBusyTimeoutMs
  return opened(file, { timeout }, (database) => {
    checkIdentity(database)
    const mode = database.pragma('journal_mode = WAL', { simple: true })
    if (mode !== 'wal')
      throw new Error(`the file system allows no write-ahead log (${String(mode)})`)
    database.pragma(`synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`)
    if (process.platform === 'darwin') {
      // Only this makes macOS drives write through; fsync alone does not.
      database.pragma('fullfsync = ON')
      database.pragma('checkpoint_fullfsync = ON')
    }
    database.pragma(`wal_autocheckpoint = ${SQLITE_LIMITS.checkpointPages}`)
    database.pragma(`journal_size_limit = ${SQLITE_LIMITS.journalSizeLimitBytes}`)
    database.pragma('mmap_size = 0')
    database.pragma(`cache_size = -${SQLITE_LIMITS.writerCacheKib}`)
    // What is erased must not stay readable in free space of the file.
    database.pragma('secure_delete = ON')
    migrate(database)
  })
}

/** A connection that only checkpoints, in the process of the one that writes. The file exists and is migrated. */
export function openCheckpointDatabase(file: string): Connection {
  const timeout = SQLITE_LIMITS.writerBusyTimeoutMs
  return opened(file, { timeout, fileMustExist: true }, (database) => {
    checkIdentity(database)
    syncFully(database)
    database.pragma('mmap_size = 0')
  })
}

/** Whatever the commits wait for, no page of the log may be overwritten before its copy is on disk. */
function syncFully(database: Connection): void {
  database.pragma('synchronous = FULL')
  // Only this makes macOS drives write through; fsync alone does not.
  if (process.platform === 'darwin') database.pragma('checkpoint_fullfsync = ON')
}

/** A connection that can only read: it neither writes nor checkpoints, whatever is asked of it. */
export function openReaderDatabase(file: string, busyTimeoutMs: number): Connection {
  const timeout = Math.min(busyTimeoutMs, SQLITE_LIMITS.maxReaderBusyTimeoutMs)
  const options = { readonly: true, fileMustExist: true, timeout }
  return opened(file, options, (database) => {
    const version = checkIdentity(database)
    if (version < SCHEMA_VERSION) {
      throw new Error(
        `the database has version ${version}, not yet ${SCHEMA_VERSION}: start the writer`,
      )
    }
    database.pragma('query_only = ON')
    database.pragma('mmap_size = 0')
    database.pragma(`cache_size = -${SQLITE_LIMITS.readerCacheKib}`)
  })
}

/**
 * A connection that only reads, for tools: it knows every older version too, and may wait, since nobody
 * waits for it.
 */
export function openSnapshotDatabase(file: string): Connection {
  const timeout = SQLITE_LIMITS.writerBusyTimeoutMs
  return opened(file, { readonly: true, fileMustExist: true, timeout }, (database) => {
    if (checkIdentity(database) === 0) throw new Error('the database is empty')
    database.pragma('query_only = ON')
    database.pragma('mmap_size = 0')
  })
}

function opened(
  file: string,
  options: Options,
  prepare: (database: Connection) => void,
): Connection {
  let database: Connection | undefined
  try {
    database = new Database(file, options)
    requireSqliteVersion(String(database.prepare('SELECT sqlite_version()').pluck().get()))
    prepare(database)
    return database
  } catch (error) {
    database?.close()
    throw new Error(`cannot open the log ${file}: ${storageReason(error)}`, { cause: error })
  }
}
