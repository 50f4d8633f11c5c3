import { openSnapshotDatabase } from './open-database.ts'
import { isDamage } from './storage-errors.ts'

/**
 * `quick`: every page and row is where its tree says; reads the file once, some 500 MB/s.
 * `full`: also that every index has exactly its rows; several times as long.
 */
export type CheckDepth = 'quick' | 'full'

/**
 * The first damage that is found in a database's content, in SQLite's words; undefined when it is sound.
 *
 * @throws an `Error` that says why the file cannot be opened.
 */
export function findDamage(file: string, depth: CheckDepth): string | undefined {
  const database = openSnapshotDatabase(file)
  try {
    const pragma = depth === 'quick' ? 'quick_check(1)' : 'integrity_check(1)'
    const found = String(database.pragma(pragma, { simple: true }))
    return found === 'ok' ? undefined : found.replaceAll('\n', ' ')
  } catch (error) {
    if (error instanceof Error && isDamage(error)) return error.message
    throw error
  } finally {
    database.close()
  }
}
