import { defaultServer } from '../engine/apply-server.ts'
import { StoreReader } from '../engine/reader.ts'
import { StoreEngine } from '../engine/store-engine.ts'
import type { SweepingEngine } from '../engine/store-engine.ts'
import type { LogReader } from '../engine.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { openReaderDatabase, openWriterDatabase } from './open-database.ts'
import type { Durability } from './open-database.ts'
import { SqliteReadStore } from './sqlite-read-store.ts'
import { SqliteStore } from './sqlite-store.ts'
import { isFull } from './storage-errors.ts'

export interface SqliteEngineOptions {
  /** Path of the database; its directory exists. */
  readonly file: string
  /** `full`: applied means fsynced. `normal`: a power cut may lose the last moments, a killed process nothing. */
  readonly durability: Durability
  readonly logger?: Logger
  /** Epoch ms; the system's clock by default. */
  readonly now?: () => number
  /** Of one channel; the default is `ENGINE_LIMITS`'. */
  readonly maxParticipants?: number
}

/**
 * Opens the log for the one process that writes it; creates and migrates the file as needed.
 *
 * @throws an `Error` that says what is wrong with the file.
 */
export function openSqliteEngine(options: SqliteEngineOptions): SweepingEngine {
  const { file, durability, logger, now = Date.now, maxParticipants } = options
  const store = new SqliteStore(openWriterDatabase(file, durability))
  const first = defaultServer(now())
  if (store.server(first.server.id) === undefined) {
    store.transaction(() => store.saveServer(first))
    logger?.info({ epoch: store.epoch }, 'log created')
  }
  return new StoreEngine({ store, now, maxParticipants, isFull })
}

export interface SqliteReaderOptions {
  readonly file: string
  /** How long a read may wait for a lock, at most 250: the process stands still meanwhile. */
  readonly busyTimeoutMs: number
}

/** Opens the committed state of a log that another process writes. The file exists and is migrated. */
export function openSqliteReader({ file, busyTimeoutMs }: SqliteReaderOptions): LogReader {
  return new StoreReader(new SqliteReadStore(openReaderDatabase(file, busyTimeoutMs)))
}
