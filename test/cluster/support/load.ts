import { createDeferred } from '../../../src/util/deferred.ts'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { whileMoving } from './deadline.ts'
import { Journal } from './journal.ts'
import { channelPath, restData } from './rest.ts'
import { Sender } from './sender.ts'
import type { Acknowledged } from './sender.ts'
import type { TestClient } from './sockets.ts'

export interface LoadOptions {
  readonly messagesPerSender: number
  /** Messages of one sender that are sent and not yet acknowledged, at most. */
  readonly windowSize: number
}

/** Many senders at once, with moments to wait for instead of times. */
export class Load {
  readonly #senders: readonly Sender[]
  readonly #acknowledged: Acknowledged[] = []
  readonly #options: LoadOptions
  #waiters: { readonly count: number; readonly resolve: (value: undefined) => void }[] = []

  constructor(clients: readonly TestClient[], options: LoadOptions) {
    this.#options = options
    const onAcknowledged = (message: Acknowledged): void => {
      this.#acknowledged.push(message)
      this.#settle()
    }
    const { messagesPerSender, windowSize } = options
    this.#senders = clients.map((client, index) => {
      const { channels } = client
      // Its channels in turn.
      const next = (sentCount: number) => {
        const channelId = channels[sentCount % channels.length]
        if (channelId === undefined) throw new Error(`sender ${index} has no channel to send to`)
        return sentCount < messagesPerSender ? { channelId } : undefined
      }
      return new Sender(client, { windowSize, next, onAcknowledged })
    })
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
      const { messagesPerSender } = this.#options
      const open = this.#senders.filter(
        ({ sentCount, waitingCount }) => sentCount < messagesPerSender || waitingCount > 0,
      )
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
      const inside = clients.filter((client) => client.isInside(channelId))
      await Promise.all(inside.map((client) => client.reached(channelId, seq)))
    }),
  )
  return journal
}
