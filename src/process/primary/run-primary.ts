import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadSettings, mergeEnvironment } from '../../config/load.ts'
import type { Environment } from '../../config/load.ts'
import type { Settings } from '../../config/settings.ts'
import { openLogTap } from '../../telemetry/log-tap.ts'
import { createLogger } from '../../telemetry/logger.ts'
import { openSocketsDir, prepareDataDir } from './data-dir.ts'
import { codeOf, reasonOf } from '../error-facts.ts'
import { LockHeldError, openFileLock } from '../file-lock.ts'
import type { FileLock } from '../file-lock.ts'
import { LogHub } from './log-hub.ts'
import { pickPort } from './pick-port.ts'
import { Primary } from './primary.ts'
import { clusterModeProblem } from './refuse-cluster-mode.ts'
import { prepareSpawning } from './spawn.ts'
import { StartError } from './supervisor.ts'

/** Why a start is refused, in words for the person who starts. */
class RefusedStart extends Error {
  override readonly name = 'RefusedStart'
}

function readDotEnv(): string {
  try {
    return readFileSync('.env', 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw new RefusedStart(`.env cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}

interface Start {
  readonly settings: Settings
  readonly unknown: readonly string[]
}

function startFrom(environment: Environment): Start {
  const misuse = clusterModeProblem(environment)
  if (misuse !== undefined) throw new RefusedStart(misuse)
  const loaded = loadSettings(mergeEnvironment(environment, readDotEnv()))
  if ('settings' in loaded) return loaded
  throw new RefusedStart(['these settings are wrong:', ...loaded.problems].join('\n  '))
}

async function openDataDir(settings: Settings): Promise<string> {
  try {
    return await prepareDataDir(settings.dataDir)
  } catch (error) {
    throw new RefusedStart(`PARLEY_DATA_DIR cannot be used: ${reasonOf(error)}`, { cause: error })
  }
}

async function lockDataDir(dataDir: string): Promise<FileLock> {
  try {
    return await openFileLock(join(dataDir, 'server.lock'))
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error
    throw new RefusedStart(`another server runs on the data directory ${dataDir}; stop it first`, {
      cause: error,
    })
  }
}

async function choosePort({ port, host }: Settings): Promise<number> {
  try {
    return await pickPort(port, host)
  } catch (error) {
    const reason =
      codeOf(error) === 'EADDRINUSE'
        ? `port ${port} of ${host} is in use by another program; stop it or set PARLEY_PORT`
        : `PARLEY_HOST=${host} with PARLEY_PORT=${port} cannot be used: ${reasonOf(error)}`
    throw new RefusedStart(reason, { cause: error })
  }
}

async function serve(
  entry: string,
  { settings, unknown }: Start,
  stop: AbortController,
): Promise<void> {
  const dataDir = await openDataDir(settings)
  const lock = await lockDataDir(dataDir)
  const sockets = await openSocketsDir(dataDir)
  const logs = new LogHub()
  const tap = openLogTap((line) => {
    logs.push([line])
  })
  const logger = createLogger({ level: settings.logLevel, role: 'primary', destination: tap })
  if (unknown.length > 0) logger.warn({ names: unknown }, 'environment variables mean nothing here')
  try {
    const port = await choosePort(settings)
    prepareSpawning(entry)
    await new Primary({ entry, settings, dataDir, sockets, port, logs, logger, stop }).run()
  } finally {
    await sockets.remove()
    await tap.flush()
    lock.close()
  }
}

/**
 * Runs the server until `stop` is aborted; `entry` is the executable for its processes. Resolves with
 * the exit code.
 */
export async function runPrimary(entry: string, stop: AbortController): Promise<number> {
  try {
    await serve(entry, startFrom(process.env), stop)
    return 0
  } catch (error) {
    const isExpected = error instanceof RefusedStart || error instanceof StartError
    // What is not expected is a fault of the program: its stack helps whoever looks for it.
    const stack = error instanceof Error ? error.stack : undefined
    const reason = isExpected ? error.message : (stack ?? reasonOf(error))
    process.stderr.write(`parley cannot start: ${reason}\n`)
    return 1
  }
}
