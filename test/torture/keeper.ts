import { setTimeout as delay } from 'node:timers/promises'
import { within } from '../cluster/support/deadline.ts'
import { eventually } from '../cluster/support/eventually.ts'
import { ServerProcess } from '../cluster/support/server.ts'
import type { Exit } from '../cluster/support/server.ts'
import { childrenOf } from './processes.ts'
import type { Running } from './processes.ts'

/** Pause before a server that did not start is started again. */
const RESTART_PAUSE_MS = 300
/** Longest that the server may be without a listening primary, or short of a process. */
const MAX_AWAY_MS = 120_000

/** One primary, from its start to its end. */
export interface Life {
  readonly process: ServerProcess
  wasListening: boolean
  /** The signal by which the runner ended it. */
  endedBy?: 'SIGTERM' | 'SIGKILL'
  exit?: Exit
}

export interface KeeperOptions {
  readonly environment: Readonly<Record<string, string>>
  readonly port: number
  readonly gateways: number
  readonly agentHosts: number
}

/** Runs the server as a process manager does: whatever way it ends, it is started again, until `stop`. */
export class Keeper {
  readonly lives: Life[] = []
  readonly url: string
  readonly #options: KeeperOptions
  #isStopping = false
  #isListening = false
  #keeping: Promise<void> = Promise.resolve()

  constructor(options: KeeperOptions) {
    this.#options = options
    this.url = `http://127.0.0.1:${options.port}`
  }

  /** Starts the first server; rejects when it does not start. */
  async start(): Promise<void> {
    const life = this.#spawn()
    await life.process.logged('listening')
    this.#becomeListening(life)
    this.#keeping = this.#keep(life)
  }

  /** The primary that lives now, whether it listens already or not. */
  get life(): Life | undefined {
    const last = this.lives.at(-1)
    return last?.exit === undefined ? last : undefined
  }

  /** The primary that serves; undefined while one starts or ends. */
  get serving(): Life | undefined {
    const { life } = this
    return this.#isListening && life?.endedBy === undefined ? life : undefined
  }

  get children(): Running[] {
    return this.life === undefined ? [] : childrenOf(this.life.process.pid)
  }

  /** Ends the primary; what follows is the keeper's own business. */
  end(life: Life, signal: 'SIGTERM' | 'SIGKILL'): void {
    life.endedBy = signal
    life.process.child.kill(signal)
  }

  /** Resolves when every process is there and the server says that nothing is wrong. */
  async healed(): Promise<void> {
    const { gateways, agentHosts } = this.#options
    const wanted = 1 + gateways + agentHosts
    await eventually(
      async () => {
        if (this.serving === undefined || this.children.length !== wanted) return false
        const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) })
        const { problems } = (await response.json()) as { readonly problems: readonly string[] }
        return problems.length === 0
      },
      {
        what: 'a healthy server',
        timeoutMs: MAX_AWAY_MS,
        explain: () => JSON.stringify(this.life?.process.lines.slice(-20), null, 1),
      },
    )
  }

  /** Stops the server for good. */
  async stop(): Promise<void> {
    this.#isStopping = true
    if (this.serving !== undefined) this.end(this.serving, 'SIGTERM')
    await within(this.#keeping, () => 'the server did not stop', MAX_AWAY_MS)
  }

  /** After a run that failed: ends what is left at once. */
  kill(): void {
    this.#isStopping = true
    this.life?.process.child.kill('SIGKILL')
  }

  #spawn(): Life {
    const { environment, port } = this.#options
    const process = new ServerProcess({ ...environment, PARLEY_PORT: String(port) })
    const life: Life = { process, wasListening: false }
    this.lives.push(life)
    return life
  }

  #becomeListening(life: Life): void {
    life.wasListening = true
    this.#isListening = true
  }

  async #keep(first: Life): Promise<void> {
    let life = first
    for (;;) {
      life.exit = await life.process.exited
      this.#isListening = false
      if (this.#isStopping) return
      if (!life.wasListening) await delay(RESTART_PAUSE_MS)
      life = this.#spawn()
      void this.#watchStart(life)
    }
  }

  async #watchStart(life: Life): Promise<void> {
    try {
      // A process that is stopped before it was ready is given up by its primary after a minute only.
      await eventually(() => life.process.line('listening'), {
        what: 'a server that listens',
        timeoutMs: MAX_AWAY_MS,
        isOver: () => life.exit !== undefined,
      })
      if (life.exit === undefined) this.#becomeListening(life)
    } catch {
      // It ended, which is seen and judged as an end; or it takes too long, and `healed` will say so.
    }
  }
}
