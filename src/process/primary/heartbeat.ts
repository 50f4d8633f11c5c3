import type { Logger } from '../../telemetry/logger.ts'
import type { ManagedChild } from './managed-child.ts'

const INTERVAL_MS = 2_000
/** Silence after which a process counts as stuck and is replaced. */
const MAX_SILENCE_MS = 10_000
/** Longest that a question for fresh numbers waits for a process that is busy. */
const REFRESH_TIMEOUT_MS = 500

export interface HeartbeatOptions {
  readonly children: () => Iterable<ManagedChild>
  readonly logger: Logger
  readonly intervalMs?: number
  readonly maxSilenceMs?: number
}

/**
 * Asks every ready process for a sign of life and ends the ones that stay silent, so that whoever
 * supervises them starts new ones.
 *
 * A tick that comes late means that this process or the machine was held up (a debugger, a suspended
 * VM): then nobody's silence counts, or all children would be killed at once.
 */
export class Heartbeat {
  readonly #options: Required<HeartbeatOptions>
  readonly #timer: NodeJS.Timeout
  #lastTickMs = performance.now()
  #refresh: Promise<void> | undefined

  constructor(options: HeartbeatOptions) {
    this.#options = { intervalMs: INTERVAL_MS, maxSilenceMs: MAX_SILENCE_MS, ...options }
    this.#timer = setInterval(() => {
      this.#tick()
    }, this.#options.intervalMs)
  }

  /** Resolves when every ready process has reported its numbers again, or after half a second. */
  refresh(): Promise<void> {
    this.#refresh ??= this.#askAll().finally(() => {
      this.#refresh = undefined
    })
    return this.#refresh
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #ready(): ManagedChild[] {
    return [...this.#options.children()].filter((child) => child.isReady)
  }

  async #askAll(): Promise<void> {
    const answers = Promise.all(this.#ready().map((child) => child.ping()))
    const { promise: timeout, cancel } = timeLimit(REFRESH_TIMEOUT_MS)
    await Promise.race([answers, timeout])
    cancel()
  }

  #tick(): void {
    const nowMs = performance.now()
    const isLate = nowMs - this.#lastTickMs > 2 * this.#options.intervalMs
    this.#lastTickMs = nowMs
    for (const child of this.#ready()) {
      if (isLate) child.excuseSilence()
      if (nowMs - child.lastHeardMs > this.#options.maxSilenceMs) this.#replace(child)
      else child.send({ parley: 'ping' })
    }
  }

  #replace(child: ManagedChild): void {
    const { role, pid } = child
    this.#options.logger.error({ childRole: role, childPid: pid }, 'process is stuck, killing it')
    child.kill('did not answer')
  }
}

function timeLimit(ms: number): { readonly promise: Promise<void>; readonly cancel: () => void } {
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return {
    promise,
    cancel: () => {
      clearTimeout(timer)
    },
  }
}
