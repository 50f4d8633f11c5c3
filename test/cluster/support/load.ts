import { createDeferred } from '../../../src/util/deferred.ts'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { whileMoving } from './deadline.ts'
import { Journal } from './journal.ts'
import { channelPath, restData } from './rest.ts'
import type { TestClient } from './sockets.ts'

/** Milliseconds until a message that the server had no room for is sent again. */
const REFUSED_RETRY_MS = 50

interface Outgoing {
  readonly channelId: string
  readonly clientMessageId: string
  readonly text: string
}

/** A message that some sender knows to be stored. */
export interface Acknowledged extends Outgoing {
  readonly messageId: string
  readonly authorId: string
}

export interface LoadOptions {
  readonly messagesPerSender: number
  /** Messages of one sender that are sent and not yet acknowledged, at most. */
  readonly windowSize: number
}

type Report = (message: Acknowledged) => void

/**
 * Sends numbered messages through one client, over its channels in turn, several in flight.
 *
 * It keeps order as a careful client does: after a reconnect everything that was not acknowledged
 * goes out again, in its first order and with its first ids, before anything new. Why that is enough
 * for the log to have this sender's order: what a dying gateway still carried is a run of the same
 * messages in the same order, and so is what the client repeats; of two runs in one order, merged in
 * any way and each message taken where it comes first, the result has that order too.
 */
class Sender {
  readonly #client: TestClient
  readonly #options: LoadOptions
  readonly #report: Report
  readonly #unacknowledged = new Map<string, Outgoing>()
  #sentCount = 0
  #isStarted = false

  constructor(client: TestClient, options: LoadOptions, report: Report) {
    this.#client = client
    this.#options = options
    this.#report = report
    client.drive({
      onConnected: () => {
        this.#resend()
        this.#pump()
      },
      onAck: ({ clientMessageId, messageId }) => {
        const message = this.#unacknowledged.get(clientMessageId)
        if (message === undefined) return
        this.#unacknowledged.delete(clientMessageId)
        this.#report({ ...message, messageId, authorId: client.name })
        this.#pump()
      },
      onRefused: ({ clientMessageId }) => {
        const message = this.#unacknowledged.get(clientMessageId ?? '')
        if (message !== undefined) this.#retry(message)
      },
    })
  }

  start(): void {
    this.#isStarted = true
    this.#pump()
  }

  /** What is still missing, for the message of a test that waited in vain. */
  describe(): string {
    const { name, transport, socket } = this.#client
    const waiting = [...this.#unacknowledged.keys()].slice(0, 3).join(', ')
    return `${name} (${transport}, connected: ${socket.connected}) sent ${this.#sentCount}, waits for ${this.#unacknowledged.size}: ${waiting}`
  }

  get isDone(): boolean {
    return this.#sentCount === this.#options.messagesPerSender && this.#unacknowledged.size === 0
  }

  #pump(): void {
    const { messagesPerSender, windowSize } = this.#options
    if (!this.#isStarted) return
    while (
      this.#client.socket.connected &&
      this.#sentCount < messagesPerSender &&
      this.#unacknowledged.size < windowSize
    ) {
      this.#sendNext()
    }
  }

  #sendNext(): void {
    const { name, channels } = this.#client
    const number = this.#sentCount
    const channelId = channels[number % channels.length]
    if (channelId === undefined) throw new Error(`${name} has no channel to send to`)
    this.#sentCount += 1
    const message = { channelId, clientMessageId: `${name}-${number}`, text: `${name} #${number}` }
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

  #send({ channelId, clientMessageId, text }: Outgoing): void {
    this.#client.send(channelId, clientMessageId, text)
  }
}

/** Many senders at once, with moments to wait for instead of times. */
export class Load {
  readonly #senders: readonly Sender[]
  readonly #acknowledged: Acknowledged[] = []
  readonly #options: LoadOptions
  #waiters: { readonly count: number; readonly resolve: (value: undefined) => void }[] = []

  constructor(clients: readonly TestClient[], options: LoadOptions) {
    this.#options = options
    const report: Report = (message) => {
      this.#acknowledged.push(message)
      this.#settle()
    }
    this.#senders = clients.map((client) => new Sender(client, options, report))
  }

  /** Everything acknowledged so far, in order of the acknowledgements. */
  get acknowledged(): readonly Acknowledged[] {
    return this.#acknowledged
  }

  get total(): number {
    return this.#senders.length * this.#options.messagesPerSender
  }

  start(): this {
    for (const sender of this.#senders) sender.start()
    return this
  }

  /** Resolves when this share (0–1) of all messages is acknowledged. */
  async reached(share: number): Promise<void> {
    const count = Math.ceil(this.total * share)
    if (this.#acknowledged.length >= count) return
    const { promise, resolve } = createDeferred<undefined>()
    this.#waiters.push({ count, resolve })
    const describe = (): string => {
      const open = this.#senders.filter((sender) => !sender.isDone)
      const rest = open.map((sender) => sender.describe()).join('\n')
      return `${this.#acknowledged.length} of ${count} acknowledged\n${rest}`
    }
    await whileMoving(promise, () => this.#acknowledged.length, describe)
  }

  /** Resolves when every message is acknowledged. */
  async done(): Promise<void> {
    await this.reached(1)
  }

  #settle(): void {
    const count = this.#acknowledged.length
    const reached = this.#waiters.filter((waiter) => waiter.count <= count)
    if (reached.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => waiter.count > count)
    for (const { resolve } of reached) resolve(undefined)
  }
}

/** Posts one message over REST, however many tries it takes; repeating it is safe by its id. */
async function postMarker(url: string, journal: Journal, channelId: string): Promise<number> {
  const clientMessageId = `${journal.name}-${channelId}`
  const text = `${journal.name} in ${channelId}`
  journal.record({ what: 'sent', channelId, clientMessageId, text })
  const { id: messageId, seq } = await restData<{ id: string; seq: number }>(url, {
    method: 'POST',
    path: `${channelPath(channelId)}/messages`,
    body: {
      author_id: journal.name,
      content: text,
      message_server_id: DEFAULT_SERVER_ID,
      messageId: clientMessageId,
    },
  })
  journal.record({ what: 'acked', via: 'rest', channelId, clientMessageId, messageId, seq })
  return seq
}

/**
 * Ends a run at a point that everyone has seen: posts a last message to each channel and waits until
 * every client in it has it. Returns the journal of the marker's sender, for the oracle.
 */
export async function quiesce(
  url: string,
  clients: readonly TestClient[],
  name = 'marker',
): Promise<Journal> {
  const journal = new Journal(name)
  const channels = new Set(clients.flatMap((client) => client.channels))
  await Promise.all(
    [...channels].map(async (channelId) => {
      const seq = await postMarker(url, journal, channelId)
      const inside = clients.filter((client) => client.channels.includes(channelId))
      await Promise.all(inside.map((client) => client.reached(channelId, seq)))
    }),
  )
  return journal
}
