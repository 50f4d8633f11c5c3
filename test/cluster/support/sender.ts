import type { TestClient } from './sockets.ts'

/** Milliseconds until a message that the server had no room for is sent again. */
const REFUSED_RETRY_MS = 50

/** What to send next. */
export interface Draft {
  readonly channelId: string
  /** Characters that make the text longer; its beginning names the message. */
  readonly paddingChars?: number
}

interface Outgoing extends Draft {
  readonly clientMessageId: string
  readonly text: string
}

/** A message that some sender knows to be stored. */
export interface Acknowledged {
  readonly channelId: string
  readonly clientMessageId: string
  /** Without its padding. */
  readonly text: string
  readonly messageId: string
  readonly authorId: string
}

export interface SenderOptions {
  /** Messages that are sent and not yet acknowledged, at most. */
  readonly windowSize: number
  /** Answers what to send when there is room for it; undefined when there is nothing now. */
  readonly next: (sentCount: number) => Draft | undefined
  readonly onAcknowledged: (message: Acknowledged) => void
}

/**
 * Sends numbered messages through one client, several in flight.
 *
 * It keeps order as a careful client does: after a reconnect everything that was not acknowledged
 * goes out again, in its first order and with its first ids, before anything new. Why that is enough
 * for the log to have this sender's order: what a dying gateway still carried is a run of the same
 * messages in the same order, and so is what the client repeats; of two runs in one order, merged in
 * any way and each message taken where it comes first, the result has that order too.
 */
export class Sender {
  readonly #client: TestClient
  readonly #options: SenderOptions
  readonly #unacknowledged = new Map<string, Outgoing>()
  #sentCount = 0
  #isStarted = false

  constructor(client: TestClient, options: SenderOptions) {
    this.#client = client
    this.#options = options
    client.drive({
      onConnected: () => {
        this.#resend()
        this.pump()
      },
      onAck: ({ clientMessageId, messageId }) => {
        const message = this.#unacknowledged.get(clientMessageId)
        if (message === undefined) return
        this.#unacknowledged.delete(clientMessageId)
        const { channelId, text } = message
        options.onAcknowledged({
          channelId,
          clientMessageId,
          text,
          messageId,
          authorId: client.name,
        })
        this.pump()
      },
      onRefused: ({ clientMessageId }) => {
        const message = this.#unacknowledged.get(clientMessageId ?? '')
        if (message !== undefined) this.#retry(message)
      },
    })
  }

  start(): void {
    this.#isStarted = true
    this.pump()
  }

  /** Sends what there is, as far as the window is open; call it when `next` has something new. */
  pump(): void {
    while (
      this.#isStarted &&
      this.#client.socket.connected &&
      this.#unacknowledged.size < this.#options.windowSize
    ) {
      const draft = this.#options.next(this.#sentCount)
      if (draft === undefined) return
      this.#sendNew(draft)
    }
  }

  /** What is still missing, for the message of a test that waited in vain. */
  describe(): string {
    const { name, transport, socket } = this.#client
    const waiting = [...this.#unacknowledged.keys()].slice(0, 3).join(', ')
    return `${name} (${transport}, connected: ${socket.connected}) sent ${this.#sentCount}, waits for ${this.#unacknowledged.size}: ${waiting}`
  }

  get sentCount(): number {
    return this.#sentCount
  }

  /** Messages sent and not acknowledged. */
  get waitingCount(): number {
    return this.#unacknowledged.size
  }

  #sendNew(draft: Draft): void {
    const { name } = this.#client
    const number = this.#sentCount
    this.#sentCount += 1
    const message = { ...draft, clientMessageId: `${name}-${number}`, text: `${name} #${number}` }
    this.#unacknowledged.set(message.clientMessageId, message)
    this.#send(message)
  }

  #resend(): void {
    for (const message of this.#unacknowledged.values()) this.#send(message)
  }

  #retry(message: Outgoing): void {
    setTimeout(() => {
      const isWaiting = this.#unacknowledged.has(message.clientMessageId)
      // Without a connection the next one repeats everything anyway.
      if (isWaiting && this.#client.socket.connected) this.#send(message)
    }, REFUSED_RETRY_MS)
  }

  #send({ channelId, clientMessageId, text, paddingChars = 0 }: Outgoing): void {
    this.#client.send(channelId, clientMessageId, text + '.'.repeat(paddingChars))
  }
}
