import { readdir } from 'node:fs/promises'

/** TypeScript and JavaScript modules; declarations are none. */
const MODULE = /(?<!\.d)\.m?[jt]s$/
/** Helpers that are not workers. */
const HIDDEN = /^[_.]/
const NAME = /^[a-z0-9-]{1,64}$/

/** A file in the workers folder that is meant to be a worker. */
export interface WorkerFile {
  /** As it is in the folder. */
  readonly file: string
  /** The file's name without its ending: where `fetch` is served, and what log lines say. */
  readonly name: string
  /** Why it cannot be one. */
  readonly problem: string | undefined
}

function nameProblem(name: string): string | undefined {
  return NAME.test(name)
    ? undefined
    : 'the name of the file is the name of the worker: at most 64 of a-z, 0-9 and "-" before the ending'
}

/** The modules at the top of the folder, by name; folders and what begins with `_` or `.` are theirs to import. */
export async function workerFilesIn(folder: string): Promise<readonly WorkerFile[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
  return files
    .filter((file) => MODULE.test(file) && !HIDDEN.test(file))
    .toSorted()
    .map((file) => {
      const name = file.replace(MODULE, '')
      return { file, name, problem: nameProblem(name) }
    })
}
