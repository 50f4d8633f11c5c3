import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { renewEpoch } from '../../log/sqlite/renew-epoch.ts'
import { storageReason } from '../../log/sqlite/storage-errors.ts'
import { databaseFile } from '../database-file.ts'
import { LockHeldError, openFileLock } from '../file-lock.ts'
import { ownDataDir } from '../own-data-dir.ts'
import { readSettings } from '../read-settings.ts'
import { Refusal } from '../refusal.ts'
import { fsyncPath } from './durable-files.ts'
import { removeStaged, stageCopy } from './stage-copy.ts'
import { swapDatabase } from './swap-database.ts'

/** Begins the name of a copy that is not the database yet. */
const STAGED = 'parley.db.restoring-'

/** The last writer may be in its last commit although its server is gone. */
async function lockOutWriter(dataDir: string): Promise<Disposable> {
  try {
    const lock = await openFileLock(join(dataDir, 'writer.lock'))
    return {
      [Symbol.dispose]: () => {
        lock.close()
      },
    }
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error
    throw new Refusal(`a writer still runs on ${dataDir}; end it first`, { cause: error })
  }
}

/** What killed restores left; the locks say that nobody works on it. */
function removeLeftovers(dataDir: string): void {
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith(STAGED)) removeStaged(join(dataDir, name))
  }
}

async function replace(dataDir: string, source: string, signal: AbortSignal): Promise<string> {
  const staged = join(dataDir, `${STAGED}${process.pid}`)
  removeLeftovers(dataDir)
  await stageCopy({ source, staged, depth: 'full', signal })
  try {
    const epoch = renewEpoch(staged)
    fsyncPath(staged)
    const aside = swapDatabase(databaseFile(dataDir), staged)
    const kept = aside === undefined ? 'there was no database before' : `kept aside: ${aside}`
    return `restored ${source}\n${kept}\nnew epoch: ${epoch}; clients fetch history again\n`
  } catch (error) {
    removeStaged(staged)
    throw new Refusal(`${storageReason(error)}; the database was not replaced`, { cause: error })
  }
}

/**
 * Puts a backup in the database's place and prints what it did. A kill at any moment leaves either the
 * database that was or the restored one, see `swapDatabase`.
 *
 * @throws Refusal when a server runs, the backup is none, is damaged or of a newer release; nothing was changed.
 */
export async function restore(file: string, signal: AbortSignal): Promise<void> {
  const source = resolve(file)
  if (!existsSync(source)) throw new Refusal(`there is no file ${source}`)
  const owned = await ownDataDir(readSettings(process.env).settings.dataDir)
  try {
    using _ = await lockOutWriter(owned.path)
    process.stdout.write(await replace(owned.path, source, signal))
  } finally {
    owned.close()
  }
}
