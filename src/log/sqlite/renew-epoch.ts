import { randomUUID } from 'node:crypto'
import Database from 'better-sqlite3'

/**
 * Begins another life of a database that nobody uses: whoever remembers positions of the one before is
 * told to fetch history. Durable when it returns. Answers the new epoch.
 */
export function renewEpoch(file: string): string {
  const epoch = randomUUID()
  const database = new Database(file, { fileMustExist: true })
  try {
    database.pragma('synchronous = FULL')
    const renew = database.prepare(`UPDATE meta SET value = ? WHERE name = 'epoch'`)
    if (renew.run(epoch).changes !== 1) throw new Error('the database has no epoch')
    return epoch
  } finally {
    database.close()
  }
}
