import { join } from 'node:path'
import { codeOf, reasonOf } from './error-facts.ts'
import { LockHeldError, openFileLock } from './file-lock.ts'
import type { FileLock } from './file-lock.ts'
import { prepareDataDir } from './primary/data-dir.ts'
import { Refusal } from './refusal.ts'

/** What a person can do about the usual reasons. */
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'its file system is read-only',
  ENOSPC: 'its disk is full',
  EDQUOT: "this user's quota is used up",
  EEXIST: 'it is a file, not a directory',
  ENOTDIR: 'a part of its path is a file, not a directory',
  SQLITE_CANTOPEN: 'its files cannot be opened for writing',
  SQLITE_READONLY: 'its files cannot be written',
  SQLITE_FULL: 'its disk is full',
}

/** The refusal to work with a data directory, with what can be done about it. */
export function dataDirRefusal(dataDir: string, error: unknown): Refusal {
  const code = String(codeOf(error))
  const advice = ADVICE[code] ?? ADVICE[code.split('_', 2).join('_')]
  const why = advice === undefined ? '' : `${advice} `
  return new Refusal(`PARLEY_DATA_DIR=${dataDir} cannot be used: ${why}(${reasonOf(error)})`, {
    cause: error,
  })
}

/** A data directory that belongs to this process alone. */
export interface OwnedDataDir {
  /** Absolute. */
  readonly path: string
  close(): void
}

/**
 * Makes the data directory when it is missing and takes it for this process, until `close` or the
 * end of the process.
 *
 * @throws Refusal when another server runs on it, or it cannot be written.
 */
export async function ownDataDir(dataDir: string): Promise<OwnedDataDir> {
  let path = dataDir
  let lock: FileLock
  try {
    path = await prepareDataDir(dataDir)
    lock = await openFileLock(join(path, 'server.lock'))
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw dataDirRefusal(path, error)
    const reason = `another server runs on the data directory ${path}; stop it first`
    throw new Refusal(reason, { cause: error })
  }
  return {
    path,
    close: () => {
      lock.close()
    },
  }
}
