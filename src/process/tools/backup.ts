import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { setPriority } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { databaseFile } from '../database-file.ts'
import { reasonOf } from '../error-facts.ts'
import { readSettings } from '../read-settings.ts'
import { Refusal } from '../refusal.ts'
import { fsyncPath, timestampForName } from './durable-files.ts'
import { removeStaged, stageCopy } from './stage-copy.ts'

/** Scheduling priority (-20 to 19, less is more): the server's processes come first. */
const NICE = 10

/** Only this user: a backup holds everybody's messages. */
const PRIVATE_DIRECTORY = 0o700

function defaultTarget(dataDir: string): string {
  const directory = join(dataDir, 'backups')
  try {
    mkdirSync(directory, { recursive: true, mode: PRIVATE_DIRECTORY })
  } catch (error) {
    const reason = `${directory} cannot be made (${reasonOf(error)}); name a file elsewhere`
    throw new Refusal(reason, { cause: error })
  }
  return join(directory, `parley-${timestampForName()}.db`)
}

function refuseTaken(target: string): void {
  if (existsSync(target)) throw new Refusal(`${target} exists; nothing is overwritten`)
  if (!existsSync(dirname(target))) {
    throw new Refusal(`the directory ${dirname(target)} does not exist`)
  }
}

/** Gives the copy its name once all of it is on the disk: under that name there is never a part of it. */
function publish(staged: string, target: string): void {
  try {
    fsyncPath(staged)
    refuseTaken(target)
    renameSync(staged, target)
    fsyncPath(dirname(target))
  } catch (error) {
    removeStaged(staged)
    if (error instanceof Refusal) throw error
    throw new Refusal(`${target} cannot be written: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * Copies the database of the server with these settings, whether it runs or not, into one sound file
 * that is on the disk when this resolves, and prints its name. A kill leaves at most `<file>.partial-<pid>`.
 *
 * @throws Refusal with the reason; then there is no such file.
 */
export async function backup(file: string | undefined, signal: AbortSignal): Promise<void> {
  const dataDir = resolve(readSettings(process.env).settings.dataDir)
  const source = databaseFile(dataDir)
  if (!existsSync(source)) {
    throw new Refusal(`there is no database in ${dataDir}; is PARLEY_DATA_DIR right?`)
  }
  const target = file === undefined ? defaultTarget(dataDir) : resolve(file)
  refuseTaken(target)
  setPriority(NICE)
  const staged = `${target}.partial-${process.pid}`
  await stageCopy({ source, staged, depth: 'quick', signal })
  publish(staged, target)
  const { size } = statSync(target)
  process.stdout.write(`backup written and checked: ${target} (${size} bytes)\n`)
}
