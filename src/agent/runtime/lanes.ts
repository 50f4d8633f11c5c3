/** A piece of work; never rejects. */
export type Task = () => Promise<void>

interface Lane {
  readonly channelId: string
  readonly waiting: Task[]
  isBusy: boolean
}

export interface LanesOptions {
  /** Channels that are worked in at a time. */
  readonly maxBusy: number
  /** While it is true nothing is begun; `resume` looks again. */
  readonly isHeld: () => boolean
}

/**
 * Work of many channels: one piece at a time for each channel, in the order in which it came, and so many
 * channels at a time. A channel with more to do stands at the end of the queue after each piece.
 */
export class Lanes {
  readonly #options: LanesOptions
  readonly #lanes = new Map<string, Lane>()
  #ready: Lane[] = []
  #busyCount = 0
  #isStopped = false
  #waiters: (() => void)[] = []

  constructor(options: LanesOptions) {
    this.#options = options
  }

  /** False when it takes nothing more, and the task is never begun. */
  add(channelId: string, task: Task): boolean {
    if (this.#isStopped) return false
    const lane = this.#lanes.get(channelId) ?? this.#open(channelId)
    lane.waiting.push(task)
    if (!lane.isBusy && lane.waiting.length === 1) this.#ready.push(lane)
    this.resume()
    return true
  }

  /** Whether something waits or goes on there. */
  isBusy(channelId: string): boolean {
    return this.#lanes.has(channelId)
  }

  /** Begins what may be begun. */
  resume(): void {
    while (this.#busyCount < this.#options.maxBusy && !this.#options.isHeld()) {
      const lane = this.#ready.shift()
      const task = lane?.waiting.shift()
      if (lane === undefined || task === undefined) return
      void this.#work(lane, task)
    }
  }

  /** Forgets what waits and takes nothing more; what is begun goes on. */
  stop(): void {
    this.#isStopped = true
    this.#ready = []
    for (const { waiting } of this.#lanes.values()) waiting.length = 0
  }

  /** Resolves when nothing is being worked at. */
  async idle(): Promise<void> {
    while (this.#busyCount > 0) {
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve)
      })
    }
  }

  #open(channelId: string): Lane {
    const lane: Lane = { channelId, waiting: [], isBusy: false }
    this.#lanes.set(channelId, lane)
    return lane
  }

  async #work(lane: Lane, task: Task): Promise<void> {
    this.#busyCount += 1
    lane.isBusy = true
    await task()
    lane.isBusy = false
    this.#busyCount -= 1
    if (lane.waiting.length > 0) this.#ready.push(lane)
    else this.#lanes.delete(lane.channelId)
    this.resume()
    if (this.#busyCount === 0) for (const resolve of this.#waiters.splice(0)) resolve()
  }
}
