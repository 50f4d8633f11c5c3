import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../config/load.ts'
import { EMBEDDED, isFromEmbedded } from '../process/embedded.ts'
import type { EmbeddedStart, ToEmbedded } from '../process/embedded.ts'

/** How much longer than its drain a server may take to end; past it it is killed. What its processes may take of it adds up. */
const END_GRACE_MS = 20_000

/** Parley's executable lies in the folder above, in every build. */
const ENTRY = fileURLToPath(new URL('../main.js', import.meta.url))

/** The server, as a process that this one started, and that ends with it. */
export class ServerProcess {
  /** Resolves when it has ended, with how. */
  readonly ended: Promise<string>
  readonly #child: ChildProcess

  constructor(environment: Environment) {
    // A session of its own: a terminal's Ctrl-C ends this process, or has it say when the server is to stop.
    this.#child = fork(ENTRY, [EMBEDDED], { env: environment, execArgv: [], detached: true })
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        resolve(error.message)
      })
      this.#child.once('exit', (code, signal) => {
        resolve(signal ?? `code ${code}`)
      })
    })
  }

  /** Resolves when it serves. @throws Error with the reason where it cannot. */
  serving(): Promise<EmbeddedStart> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => reject(new Error(`the server cannot start: ${reason}`))

      this.#child.on('message', (message) => {
        if (!isFromEmbedded(message)) return
        if (message.parley === 'serving') resolve(message.start)
        else fail(message.reason)
      })
      void this.ended.then((how) => fail(`it ended (${how})`))
    })
  }

  /** Resolves when it left or can no longer be sent. */
  tell(message: ToEmbedded): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#child.connected) resolve()
      else this.#child.send(message, () => resolve())
    })
  }

  /** Has it drain, and resolves when it has ended. */
  async stop(drainMs: number): Promise<void> {
    this.#child.kill('SIGTERM')
    const late = setTimeout(() => {
      this.#child.kill('SIGKILL')
    }, drainMs + END_GRACE_MS)
    await this.ended
    clearTimeout(late)
  }
}
