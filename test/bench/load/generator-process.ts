import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command, Reply, Request, Results } from './plan.ts'

const MODULE = fileURLToPath(new URL('generator.js', import.meta.url))

interface Waiting {
  readonly resolve: (result: Results[keyof Results]) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** One generator as its parent sees it: commands with deadlines; one that hangs or dies fails them. */
export class GeneratorProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  constructor() {
    // Without the flags of this process: `--inspect` and the like belong to the benchmark, not to the load.
    this.#child = fork(MODULE, [], { serialization: 'advanced', execArgv: [] })
    this.#child.on('message', (reply: Reply) => {
      const waiting = this.#take(reply.id)
      if ('error' in reply) waiting?.reject(new Error(`load generator: ${reply.error}`))
      else waiting?.resolve(reply.result)
    })
    this.#child.on('exit', (code, signal) => {
      for (const id of this.#waiting.keys()) {
        this.#take(id)?.reject(new Error(`a load generator ended with ${signal ?? code}`))
      }
    })
  }

  request<Of extends Command>(command: Of, timeoutMs: number): Promise<Results[Of['do']]> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#take(id)?.reject(
          new Error(`a load generator did not answer "${command.do}" in ${timeoutMs} ms`),
        )
      }, timeoutMs)
      // The generator answers each command with its own kind of result.
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, timer })
      const request: Request = { ...command, id }
      this.#child.send(request, (error) => {
        if (error !== null) this.#take(id)?.reject(error)
      })
    })
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise((resolve) => {
      this.#child.once('exit', resolve)
    })
    this.#child.kill('SIGKILL')
    await ended
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    clearTimeout(waiting?.timer)
    return waiting
  }
}
