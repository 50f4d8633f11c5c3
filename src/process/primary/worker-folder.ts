import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import type { Logger } from '../../telemetry/logger.ts'

/** Quiet time after a change before it counts: an editor writes a file in several steps. */
const QUIET_MS = 150
/** Changes there mean nothing to workers. */
const IGNORED = /(?:^|\/)(?:node_modules|\.[^/]*)(?:\/|$)|~$/

/** Calls `onChange` when something in the workers folder has changed and a moment has passed; creates the folder. */
export class WorkerFolder {
  readonly #logger: Logger
  readonly #onChange: () => void
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(logger: Logger, onChange: () => void) {
    this.#logger = logger
    this.#onChange = onChange
  }

  async open(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true })
    this.#watcher = watch(folder, { recursive: true }, (_event, name) => {
      if (name === null || !IGNORED.test(name)) this.#changed()
    })
    this.#watcher.on('error', (error) => {
      this.#logger.error({ err: error, folder }, 'the workers folder is not watched any longer')
    })
    this.#logger.info({ folder }, 'watching the workers folder')
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#watcher?.close()
  }

  #changed(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#onChange, QUIET_MS)
  }
}
