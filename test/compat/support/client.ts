import { setTimeout as delay } from 'node:timers/promises'
import { io } from 'socket.io-client'
import type { ManagerOptions, Socket, SocketOptions } from 'socket.io-client'

/** Milliseconds that a test waits for what it expects: far above a busy machine's needs, below the test's own time-out. */
export const WAIT_MS = 15_000

/** For `expect.poll`, where there is no event to wait for. */
export const PATIENTLY = { timeout: WAIT_MS } as const

export type Payload = Readonly<Record<string, unknown>>

/** One event as it arrived; a payload that is no object stands under `value`. */
export interface Received {
  readonly event: string
  readonly payload: Payload
}

/** Fields that a payload must have, or what it must satisfy. */
export type Where = Payload | ((payload: Payload) => boolean)

export type ConnectOptions = Partial<ManagerOptions & SocketOptions> & {
  /** The handshake's entity; older clients send none. */
  readonly entityId?: string
  /** Other than the default one, with its slash. */
  readonly namespace?: string
}

/** A value as the record it should be; one that is no object stands under `value`. */
export function asPayload(value: unknown): Payload {
  return typeof value === 'object' && value !== null ? { ...value } : { value }
}

/** The client library's types know only text; on the wire a number is a name as well. */
function named(event: string | number, args: readonly unknown[]): [string, ...unknown[]] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return [event as string, ...args]
}

function matches(payload: Payload, where: Where): boolean {
  if (typeof where === 'function') return where(payload)
  return Object.entries(where).every(([key, value]) => payload[key] === value)
}

/**
 * A stock `socket.io-client` that remembers everything that came, in order.
 *
 * Waiting looks at the past first, so a test never races with the server; every wait is bounded and
 * says, when it fails, what came instead.
 */
export class Client implements AsyncDisposable {
  readonly socket: Socket
  readonly received: Received[] = []
  readonly #watchers = new Set<() => void>()

  constructor(socket: Socket) {
    this.socket = socket
    socket.onAny((event: string, value: unknown) => {
      this.note(event, asPayload(value))
    })
  }

  /** Remembers something as if it had been received, such as the end of the connection. */
  note(event: string, payload: Payload): void {
    this.received.push({ event, payload })
    for (const wake of this.#watchers) wake()
  }

  /** Which gateway this connection's Engine.IO session belongs to. */
  get gateway(): string {
    return this.socket.io.engine.id?.split('.')[0] ?? ''
  }

  get id(): string {
    return this.socket.id ?? ''
  }

  /** Payloads of all events of a name that came so far, in order. */
  all(event: string, where: Where = {}): Payload[] {
    return this.received
      .filter((one) => one.event === event && matches(one.payload, where))
      .map(({ payload }) => payload)
  }

  /** Names of the events that came so far, in order, of the named ones. */
  names(...events: readonly string[]): string[] {
    return this.received.map(({ event }) => event).filter((event) => events.includes(event))
  }

  /** The first such event, whether it came already or comes within `WAIT_MS`. */
  async saw(event: string, where: Where = {}): Promise<Payload> {
    const [first] = await this.sawMany(event, 1, where)
    return first ?? {}
  }

  /** The first `count` such events, in order. */
  async sawMany(event: string, count: number, where: Where = {}): Promise<Payload[]> {
    const isThere = (): boolean => this.all(event, where).length >= count
    await this.until(isThere, () => {
      const seen = JSON.stringify(this.received.slice(-12)).slice(0, 3_000)
      return `${count} × ${event} ${JSON.stringify(where) ?? 'as described'}; last came ${seen}`
    })
    return this.all(event, where).slice(0, count)
  }

  /** Resolves when the condition holds; looks at it whenever something arrives. */
  async until(isThere: () => boolean, describe: () => string): Promise<void> {
    if (isThere()) return
    const giveUp = new AbortController()
    const arrived = new Promise<void>((resolve) => {
      const wake = (): void => {
        if (!isThere()) return
        this.#watchers.delete(wake)
        resolve()
      }
      this.#watchers.add(wake)
      giveUp.signal.addEventListener('abort', () => this.#watchers.delete(wake))
    })
    const tooLate = delay(WAIT_MS, 'late', { signal: giveUp.signal }).catch(() => 'settled')
    const outcome = await Promise.race([arrived, tooLate])
    giveUp.abort()
    if (outcome === 'late') throw new Error(`did not come in ${WAIT_MS} ms: ${describe()}`)
  }

  /** Emits as a client that gives no callback; numbers stay numbers on the wire. */
  emit(event: string | number, ...args: readonly unknown[]): void {
    this.socket.emit(...named(event, args))
  }

  /** Emits with an acknowledgement callback and resolves to its answer. */
  async request(event: string | number, ...args: readonly unknown[]): Promise<Payload> {
    const answer: unknown = await this.socket.timeout(WAIT_MS).emitWithAck(...named(event, args))
    return asPayload(answer)
  }

  join(channelId: string, more: object = {}): Promise<Payload> {
    return this.request('join', { channelId, ...more })
  }

  /** Sends under the acknowledgement callback; `senderId` is the handshake's unless `more` says it. */
  send(channelId: string, message: string, more: object = {}): Promise<Payload> {
    return this.request('send_message', { channelId, message, ...more })
  }

  /** Answered after everything that this connection asked for or was sent before. */
  async roundTrip(): Promise<void> {
    await this.request('leave', { channelId: 'round-trip' })
  }

  /** The transport goes, as when a network does; the client reconnects by itself. */
  dropTransport(): void {
    this.socket.io.engine.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.disconnect()
    await Promise.resolve()
  }
}

/** Opens a connection and waits for the server's greeting. @throws what `connect_error` says. */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Client> {
  const client = dial(url, options)
  const refused = new Promise<never>((_resolve, reject) => {
    client.socket.once('connect_error', reject)
  })
  try {
    await Promise.race([client.saw('connection_established'), refused])
    return client
  } catch (error) {
    client.socket.disconnect()
    throw error
  }
}

/** Starts to connect; waits for nothing. */
export function dial(url: string, options: ConnectOptions = {}): Client {
  const { entityId, namespace = '/', ...rest } = options
  return new Client(
    io(new URL(namespace, url).href, {
      forceNew: true,
      ...(entityId === undefined ? {} : { auth: { entityId } }),
      transports: ['websocket'],
      reconnectionDelay: 50,
      ...rest,
    }),
  )
}
