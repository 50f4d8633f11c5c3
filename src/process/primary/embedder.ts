import type { WorkerInfo } from '../../service/cluster.ts'
import { isToEmbedded } from '../embedded.ts'
import type { FromEmbedded } from '../embedded.ts'

/**
 * The workers of the folder, and behind them the agents that others run, each under a name of its own: where there is
 * none, or another has it, the agent's id.
 */
export function workersBeside(
  own: readonly WorkerInfo[],
  others: readonly WorkerInfo[],
): readonly WorkerInfo[] {
  const taken = new Set(own.map(({ name }) => name))
  const named = others.map((worker): WorkerInfo => {
    const isOwnName = worker.name !== '' && !taken.has(worker.name)
    const name = isOwnName ? worker.name : (worker.agent?.id ?? worker.name)
    taken.add(name)
    return { ...worker, name }
  })
  return [...own, ...named]
}

/** The process that started this server and runs agents beside it. */
export class Embedder {
  #workers: readonly WorkerInfo[] = []
  #onLogLines: (lines: readonly string[]) => void = () => undefined

  constructor() {
    process.on('message', (message) => {
      if (!isToEmbedded(message)) return
      if (message.parley === 'workers') this.#workers = message.workers
      else this.#onLogLines(message.lines)
    })
  }

  /** The agents that it runs, as it said last. */
  get workers(): readonly WorkerInfo[] {
    return this.#workers
  }

  /** What it logs; to stand beside the lines of the server's own processes. */
  watchLogLines(listener: (lines: readonly string[]) => void): void {
    this.#onLogLines = listener
  }

  /** Resolves when it left, or the process is gone: then this one ends, too. */
  tell(message: FromEmbedded): Promise<void> {
    return new Promise((resolve) => {
      if (process.send === undefined || !process.connected) resolve()
      else process.send(message, undefined, {}, () => resolve())
    })
  }
}
