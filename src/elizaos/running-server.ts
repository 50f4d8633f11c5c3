import type { Environment } from '../config/load.ts'
import type { JoinNotice } from '../protocol/model.ts'
import { createDeferred } from '../util/deferred.ts'
import type { ElizaRuntime } from './eliza-runtime.ts'
import { openRuntimeHost } from './runtime-host.ts'
import type { RuntimeHost } from './runtime-host.ts'
import { ServerProcess } from './server-process.ts'

export interface RunningServerOptions {
  /** The settings, by their environment names. */
  readonly environment: Environment
  readonly onJoined: (joined: JoinNotice) => void
}

interface Parts {
  readonly process: Pick<ServerProcess, 'stop'>
  readonly host: RuntimeHost
  readonly url: string
  readonly drainMs: number
}

/** A server that serves, from its start to its end, with the runtimes of this process as its agents. */
export class RunningServer {
  readonly #parts: Parts
  readonly #ended = createDeferred<void>()
  #closing: Promise<void> | undefined

  constructor(parts: Parts, failed: Promise<unknown>) {
    this.#parts = parts
    // Whoever looks at `ended` hears of it; who does not, need not.
    this.ended.catch(() => undefined)
    void failed.then((error) => this.#fail(error))
  }

  get url(): string {
    return this.#parts.url
  }

  /** Whether it has neither been stopped nor ended by itself. */
  get isServing(): boolean {
    return this.#closing === undefined
  }

  /** Resolves when it is stopped, and rejects, at once, when it can serve no longer and nobody asked for that. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** See `RuntimeHost`. */
  add(runtime: ElizaRuntime): Promise<void> {
    return this.#parts.host.add(runtime)
  }

  /** See `RuntimeHost`. */
  remove(runtime: ElizaRuntime): void {
    this.#parts.host.remove(runtime)
  }

  /** Lets runtimes and then clients finish; a second call waits for the first. */
  async stop(): Promise<void> {
    try {
      await this.#close()
    } catch (error) {
      this.#ended.reject(error)
      throw error
    }
    this.#ended.resolve()
  }

  #close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #fail(error: unknown): Promise<void> {
    if (!this.isServing) return
    const closed = this.#close()
    this.#ended.reject(error)
    try {
      await closed
    } catch {
      // Why it ended is told; what its end failed with besides is for whoever stops it.
    }
  }

  async #end(): Promise<void> {
    const { host, process, drainMs } = this.#parts
    try {
      await host.close()
    } finally {
      await process.stop(drainMs)
    }
  }
}

/** Starts a server. Resolves when it serves. @throws Error with the reason where it cannot. */
export async function startServer(options: RunningServerOptions): Promise<RunningServer> {
  const { environment, onJoined } = options
  const process = new ServerProcess(environment)
  const start = await process.serving()
  const { url, settings } = start
  const { drainMs } = settings
  const failed = createDeferred<unknown>()
  const tellEnd = async (): Promise<void> => {
    failed.resolve(new Error(`the server ended (${await process.ended})`))
  }
  void tellEnd()
  try {
    const host = openRuntimeHost({
      start,
      tell: (message) => process.tell(message),
      onJoined,
      fail: (error) => {
        failed.resolve(error)
      },
    })
    return new RunningServer({ process, host, url, drainMs }, failed.promise)
  } catch (error) {
    await process.stop(drainMs)
    throw error
  }
}
