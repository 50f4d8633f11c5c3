import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { eventually } from '../../cluster/support/eventually.ts'

const PROBE = pathToFileURL(path.join(import.meta.dirname, 'probe.mjs')).href

/** What a process holds once its garbage is collected. */
export interface Held {
  /** On the heap and beside it. */
  readonly heldBytes: number
  readonly handles: number
  /** On the process itself. */
  readonly listeners: number
  /** Open files and sockets. */
  readonly files: number
}

/** Asks the processes of a server what they hold. */
export class Probe implements AsyncDisposable {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** What a server must be started with to be asked. */
  get environment(): Readonly<Record<string, string>> {
    return { NODE_OPTIONS: `--import=${PROBE}`, PROBE_DIR: this.#directory }
  }

  async ask(pid: number): Promise<Held> {
    const file = path.join(this.#directory, String(pid))
    await rm(file, { force: true })
    process.kill(pid, 'SIGWINCH')
    const text = await eventually(() => readFile(file, 'utf8'), { what: `what ${pid} holds` })
    const held: Held = JSON.parse(text)
    return held
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }
}

export async function openProbe(): Promise<Probe> {
  return new Probe(await mkdtemp(path.join(tmpdir(), 'parley-probe-')))
}
