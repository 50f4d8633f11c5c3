import { rmSync } from 'node:fs'
import { findDamage } from '../../log/sqlite/check-content.ts'
import type { CheckDepth } from '../../log/sqlite/check-content.ts'
import { copyDatabase } from '../../log/sqlite/copy-database.ts'
import { storageReason } from '../../log/sqlite/storage-errors.ts'
import { Refusal } from '../refusal.ts'
import { createProgress } from './progress.ts'

export interface Staging {
  readonly source: string
  /** Where the copy is made; its directory exists. */
  readonly staged: string
  readonly depth: CheckDepth
  readonly signal: AbortSignal
}

/** SQLite's companions of a database file; a sound copy has none. */
export const COMPANIONS = ['-wal', '-shm', '-journal'] as const

/** Removes an unfinished copy with everything beside it. */
export function removeStaged(staged: string): void {
  for (const suffix of ['', ...COMPANIONS]) rmSync(staged + suffix, { force: true })
}

/**
 * Makes a sound copy of a database under a temporary name, or none.
 *
 * @throws Refusal when the source cannot be read or is damaged, the disk is full, or the signal came.
 */
export async function stageCopy({ source, staged, depth, signal }: Staging): Promise<void> {
  const progress = createProgress('copying')
  try {
    await copyDatabase(source, staged, {
      signal,
      onProgress: (copiedPages, totalPages) => progress.report(copiedPages / totalPages),
    })
    progress.end('checking the copy')
    const damage = findDamage(staged, depth)
    if (damage !== undefined) throw new Refusal(`${source} is damaged: ${damage}`)
  } catch (error) {
    removeStaged(staged)
    if (error instanceof Refusal) throw error
    if (signal.aborted) throw new Refusal('stopped; nothing was changed', { cause: error })
    throw new Refusal(storageReason(error), { cause: error })
  } finally {
    progress.end()
  }
}
