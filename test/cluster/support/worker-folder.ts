import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A folder of worker modules, outside of the package, that a test fills and changes. */
export class WorkerFolder implements AsyncDisposable {
  readonly path: string

  constructor(folder: string) {
    this.path = folder
  }

  /** Writes modules by their names in the folder. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.path, name)
      await mkdir(path.dirname(file), { recursive: true })
      await writeFile(file, text)
    }
  }

  async remove(name: string): Promise<void> {
    await rm(path.join(this.path, name))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.path, { recursive: true, force: true })
  }
}

export async function workerFolder(files: Readonly<Record<string, string>>): Promise<WorkerFolder> {
  const folder = new WorkerFolder(await mkdtemp(path.join(tmpdir(), 'parley-workers-')))
  await folder.write(files)
  return folder
}

export interface WorkerRow {
  readonly name: string
  readonly file: string
  readonly agent: { readonly id: string; readonly name: string } | null
  readonly handlers: readonly string[]
  readonly problem?: string
}

/** What the server says of its workers. */
export async function workersAt(url: string): Promise<readonly WorkerRow[]> {
  const response = await fetch(`${url}/api/workers`)
  const { data } = (await response.json()) as { data: { workers: readonly WorkerRow[] } }
  return data.workers
}
