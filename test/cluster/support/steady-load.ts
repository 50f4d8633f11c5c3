import { eventually } from './eventually.ts'
import { Sender } from './sender.ts'
import type { TestClient } from './sockets.ts'

export interface SteadyOptions {
  /** Messages of one sender that are sent and not yet acknowledged, at most. */
  readonly windowSize: number
  /** Milliseconds in which each sender sends a window's worth. */
  readonly everyMs: number
  /** Characters that make each text longer. */
  readonly paddingChars?: number
}

/** Senders that go on, each at its pace, until they are told to finish: for what takes its own time. */
export class SteadyLoad implements Disposable {
  readonly #senders: readonly Sender[]
  readonly #timer: NodeJS.Timeout
  #acknowledgedCount = 0

  constructor(clients: readonly TestClient[], options: SteadyOptions) {
    const { windowSize, everyMs, paddingChars = 0 } = options
    // Messages that each may have sent until its next turn; nothing is saved up while it is away.
    const allowed = clients.map(() => windowSize)
    this.#senders = clients.map(
      (client, index) =>
        new Sender(client, {
          windowSize,
          next: (sentCount) => {
            const channelId = client.channels[sentCount % client.channels.length]
            const isAllowed = sentCount < (allowed[index] ?? 0)
            return channelId !== undefined && isAllowed ? { channelId, paddingChars } : undefined
          },
          onAcknowledged: () => {
            this.#acknowledgedCount += 1
          },
        }),
    )
    for (const sender of this.#senders) sender.start()
    this.#timer = setInterval(() => {
      for (const [index, sender] of this.#senders.entries()) {
        allowed[index] = sender.sentCount + windowSize
        sender.pump()
      }
    }, everyMs)
  }

  get acknowledgedCount(): number {
    return this.#acknowledgedCount
  }

  /** Resolves when that many more messages are acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.#acknowledgedCount + count
    await eventually(() => this.#acknowledgedCount >= goal, {
      what: `${count} more acknowledgements`,
      explain: () => this.#describe(),
    })
  }

  /** Sends nothing new any more; resolves when everything sent is acknowledged. */
  async finish(): Promise<void> {
    this[Symbol.dispose]()
    await eventually(() => this.#senders.every(({ waitingCount }) => waitingCount === 0), {
      what: 'all acknowledgements',
      timeoutMs: 40_000,
      explain: () => this.#describe(),
    })
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #describe(): string {
    return this.#senders.map((sender) => sender.describe()).join('\n')
  }
}
