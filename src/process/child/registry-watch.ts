import type { Logger } from '../../telemetry/logger.ts'

/** How often it is read without having been told of a change: that may be lost with the link. */
const READ_INTERVAL_MS = 3_000

export interface RegistryWatchOptions<Value> {
  readonly read: () => Promise<Value>
  /** Gets everything that was read, the newest last. */
  readonly onRead: (value: Value) => void
  readonly logger: Logger
}

/** Reads again whenever there may be something new, one read at a time; what cannot be read is tried again. */
export class RegistryWatch<Value> {
  readonly #options: RegistryWatchOptions<Value>
  #timer: NodeJS.Timeout | undefined
  #isReading = false
  #isWoken = false
  #isStopped = false

  constructor(options: RegistryWatchOptions<Value>) {
    this.#options = options
  }

  /** Reads at once, and from now on; not any more once it was stopped. */
  start(): void {
    if (this.#isStopped) return
    this.#timer ??= setInterval(() => {
      this.wake()
    }, READ_INTERVAL_MS)
    this.wake()
  }

  /** There may be something new. */
  wake(): void {
    this.#isWoken = true
    if (this.#timer !== undefined && !this.#isReading) void this.#read()
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#isStopped = true
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Never rejects. */
  async #read(): Promise<void> {
    const { read, onRead, logger } = this.#options
    this.#isReading = true
    try {
      while (this.#isWoken && this.#timer !== undefined) {
        this.#isWoken = false
        const value = await read()
        // Stopped meanwhile: whoever stopped it wants nothing more.
        if (this.#timer !== undefined) onRead(value)
      }
    } catch (error) {
      logger.warn({ err: error }, 'the agents could not be read')
    } finally {
      this.#isReading = false
    }
  }
}
