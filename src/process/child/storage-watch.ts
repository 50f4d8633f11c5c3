import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../telemetry/logger.ts'

/** Milliseconds between two looks whether there is room again. */
const LOOK_EVERY_MS = 1_000
/** Bytes that must find room before the disk counts as usable again: some batches, not just one page. */
const PROBE_BYTES = 1_048_576

const PROBLEM =
  'the disk is full: changes are refused with STORAGE_FULL, reads go on; free some space'

export interface StorageWatchOptions {
  /** Where the database is. */
  readonly directory: string
  readonly logger: Logger
  /** Gets what is wrong now, when that changes. */
  readonly report: (problems: readonly string[]) => void
  readonly lookEveryMs?: number
}

/**
 * Remembers that the disk is full, and looks until there is room again, with a real write: what a file
 * system says is free need not be free for this user. The next change is tried in any case.
 */
export class StorageWatch {
  readonly #options: StorageWatchOptions
  readonly #probe: string
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: StorageWatchOptions) {
    this.#options = options
    this.#probe = join(options.directory, 'room.probe')
  }

  /** A change found no room. */
  full(error: Error): void {
    if (this.#timer !== undefined || this.#isClosed) return
    this.#options.logger.error({ err: error, cause: error.cause }, 'the disk is full')
    this.#options.report([PROBLEM])
    this.#lookLater()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #lookLater(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => {
      void this.#look()
    }, this.#options.lookEveryMs ?? LOOK_EVERY_MS)
  }

  async #look(): Promise<void> {
    if (await this.#hasRoom()) {
      this.#timer = undefined
      this.#options.logger.info('there is room on the disk again')
      this.#options.report([])
    } else this.#lookLater()
  }

  async #hasRoom(): Promise<boolean> {
    try {
      const file = await open(this.#probe, 'w', 0o600)
      try {
        await file.writeFile(Buffer.alloc(PROBE_BYTES))
        await file.sync()
      } finally {
        await file.close()
        await rm(this.#probe, { force: true })
      }
      return true
    } catch (error) {
      // ENOSPC, EDQUOT; whatever else it is, nothing was written.
      this.#options.logger.debug({ err: error }, 'no room on the disk yet')
      return false
    }
  }
}
