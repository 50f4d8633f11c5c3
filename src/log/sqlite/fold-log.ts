import { statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { isDamage } from './storage-errors.ts'

/**
 * Copies what is only in a database's log into the database itself and empties the log, so that the
 * one file is everything. Nobody else may use the database. False when it is too damaged to be opened;
 * what SQLite found valid in the log is in the file then, too, or the log is still there.
 *
 * @throws what else is in the way: somebody who uses it, a full disk, no permission.
 */
export function foldLog(file: string): boolean {
  try {
    const database = new Database(file, { fileMustExist: true })
    try {
      database.pragma('wal_checkpoint(TRUNCATE)')
    } finally {
      database.close()
    }
  } catch (error) {
    if (isDamage(error)) return false
    throw error
  }
  const { size } = statSync(`${file}-wal`, { throwIfNoEntry: false }) ?? { size: 0 }
  if (size > 0) throw new Error(`${file} is in use by another process`)
  return true
}
