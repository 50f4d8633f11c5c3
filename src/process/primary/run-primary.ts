import type { Environment } from '../../config/load.ts'
import type { Settings } from '../../config/settings.ts'
import { openLogTap } from '../../telemetry/log-tap.ts'
import { createLogger } from '../../telemetry/logger.ts'
import { checkDatabase } from '../check-database.ts'
import { openSocketsDir } from './data-dir.ts'
import type { SocketsDir } from './data-dir.ts'
import { databaseFile } from '../database-file.ts'
import { codeOf, reasonOf } from '../error-facts.ts'
import { Embedder } from './embedder.ts'
import { LogHub } from './log-hub.ts'
import { pickPort } from './pick-port.ts'
import { dataDirRefusal, ownDataDir } from '../own-data-dir.ts'
import { Primary } from './primary.ts'
import { readSettings } from '../read-settings.ts'
import type { ReadSettings } from '../read-settings.ts'
import { Refusal } from '../refusal.ts'
import { clusterModeProblem } from './refuse-cluster-mode.ts'
import { prepareSpawning } from './spawn.ts'
import { StartError } from './supervisor.ts'

function startFrom(environment: Environment): ReadSettings {
  const misuse = clusterModeProblem(environment)
  if (misuse !== undefined) throw new Refusal(misuse)
  return readSettings(environment)
}

async function openSockets(dataDir: string): Promise<SocketsDir> {
  try {
    return await openSocketsDir(dataDir)
  } catch (error) {
    throw dataDirRefusal(dataDir, error)
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
    throw new Refusal(reason, { cause: error })
  }
}

export interface ServeOptions {
  /** The executable for the processes. */
  readonly entry: string
  /** Aborted when the server shall end. */
  readonly stop: AbortController
  /** Whether a change in the workers folder is a reload. */
  readonly isWatching: boolean
  /** Whether the process that started this one runs agents beside it. */
  readonly isEmbedded: boolean
}

async function serve(
  { settings, unknown, workerEnvironment }: ReadSettings,
  { entry, stop, isWatching }: ServeOptions,
  embedder: Embedder | undefined,
): Promise<void> {
  const owned = await ownDataDir(settings.dataDir)
  const dataDir = owned.path
  checkDatabase(databaseFile(dataDir))
  const sockets = await openSockets(dataDir)
  const logs = new LogHub()
  embedder?.watchLogLines((lines) => {
    logs.push(lines)
  })
  const tap = openLogTap((line) => {
    logs.push([line])
  })
  const logger = createLogger({ level: settings.logLevel, role: 'primary', destination: tap })
  if (unknown.length > 0) logger.warn({ names: unknown }, 'environment variables mean nothing here')
  try {
    const port = await choosePort(settings)
    prepareSpawning(entry)
    const server = { entry, settings, dataDir, sockets, port, logs, logger, stop }
    await new Primary({ ...server, workerEnvironment, isWatching, embedder }).run()
  } finally {
    await sockets.remove()
    await tap.flush()
    owned.close()
  }
}

/** Runs the server until `stop` is aborted. Resolves with the exit code. */
export async function runPrimary(options: ServeOptions): Promise<number> {
  const embedder = options.isEmbedded ? new Embedder() : undefined
  try {
    await serve(startFrom(process.env), options, embedder)
    return 0
  } catch (error) {
    const isExpected = error instanceof Refusal || error instanceof StartError
    // What is not expected is a fault of the program: its stack helps whoever looks for it.
    const stack = error instanceof Error ? error.stack : undefined
    const reason = isExpected ? error.message : (stack ?? reasonOf(error))
    if (embedder === undefined) process.stderr.write(`parley cannot start: ${reason}\n`)
    else await embedder.tell({ parley: 'failed', reason })
    return 1
  }
}
