import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { WorkerInfo } from '../service/cluster.ts'
import type { Logger } from '../telemetry/logger.ts'
import { compact } from '../util/compact.ts'
import { checkModule } from './check-module.ts'
import { refuseDoubles } from './doubles.ts'
import { importProblem } from './import-problem.ts'
import type { LoadedWorker, Outcome } from './loaded-worker.ts'
import { envOf } from './worker-env.ts'
import { workerFilesIn } from './worker-files.ts'
import type { WorkerFile } from './worker-files.ts'

/** Longest that a module's own top-level `await` may take; past it the module is refused and the next one begins. */
const IMPORT_TIMEOUT_MS = 5_000

export interface LoadOptions {
  readonly folder: string
  /** Everything that modules may ask for by prefix. */
  readonly environment: Readonly<Record<string, string>>
  /** Files that are not to be imported, and why. */
  readonly excluded: Readonly<Record<string, string>>
  readonly logger: Logger
  /** Called, and waited for, before a file is imported: should the import end the process, somebody knows which. */
  readonly onImport: (file: string) => Promise<void>
  /** Imports a module; its top level runs inside. */
  readonly importModule: (
    url: string,
    file: WorkerFile,
  ) => Promise<Readonly<Record<string, unknown>>>
  readonly importTimeoutMs?: number
}

export interface LoadedWorkers {
  /** Those that serve, by name. */
  readonly workers: ReadonlyMap<string, LoadedWorker>
  /** Every file that is meant to be a worker, with what is wrong where it does not serve. */
  readonly infos: readonly WorkerInfo[]
}

interface Found {
  readonly folder: string
  readonly files: readonly WorkerFile[]
}

/** @throws what the import throws; Error when it takes too long. */
async function importInTime<Value>(importing: Promise<Value>, timeoutMs: number): Promise<Value> {
  // Too late, it may still fail: then nobody listens any more.
  importing.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`was not loaded after ${timeoutMs} ms: does a top-level await never end?`))
    }, timeoutMs)
  })
  return Promise.race([importing, tooLong]).finally(() => {
    clearTimeout(timer)
  })
}

async function loadOne(file: WorkerFile, folder: string, options: LoadOptions): Promise<Outcome> {
  const { excluded, environment, logger, importTimeoutMs = IMPORT_TIMEOUT_MS } = options
  const known = file.problem ?? excluded[file.file]
  if (known !== undefined) return { file, problem: known }
  const url = pathToFileURL(path.join(folder, file.file)).href
  try {
    await options.onImport(file.file)
    const namespace = await importInTime(options.importModule(url, file), importTimeoutMs)
    const checked = checkModule(namespace)
    if ('problem' in checked) return { file, problem: checked.problem }
    const { agent, envPrefix } = checked
    const who = {
      worker: file.name,
      agentName: agent?.name ?? file.name,
      ...(agent && { agentId: agent.id }),
    }
    const worker: LoadedWorker = {
      ...checked,
      ...file,
      env: envOf(environment, envPrefix),
      logger: logger.child(who),
    }
    return { file, worker }
  } catch (error) {
    return { file, problem: await importProblem(error, { folder, file: file.file }) }
  }
}

function infoOf(outcome: Outcome): WorkerInfo {
  const { name, file } = outcome.file
  if ('problem' in outcome)
    return { name, file, agent: null, handlers: [], problem: outcome.problem }
  const { agent, handlers } = outcome.worker
  return { name, file, agent: agent ? compact(agent) : null, handlers }
}

/** The folder by its real path, which imported modules have, and what is in it. */
async function findFiles({ folder, logger }: LoadOptions): Promise<Found> {
  try {
    const real = await realpath(folder)
    return { folder: real, files: await workerFilesIn(real) }
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isAbsent) logger.error({ err: error, folder }, 'the workers folder cannot be read')
    return { folder, files: [] }
  }
}

/**
 * Imports every module of the folder, one after the other, so that it is known which one was at it when the
 * process ends or stands still, and checks each: whatever is wrong with one is that one's problem alone. A
 * folder that is not there has no workers.
 */
export async function loadWorkers(options: LoadOptions): Promise<LoadedWorkers> {
  const { folder, files } = await findFiles(options)
  const outcomes: Outcome[] = []
  for (const file of files) outcomes.push(await loadOne(file, folder, options))
  const judged = refuseDoubles(outcomes)
  const workers = judged.flatMap((outcome) => ('worker' in outcome ? [outcome.worker] : []))
  return {
    workers: new Map(workers.map((worker) => [worker.name, worker])),
    infos: judged.map(infoOf),
  }
}
