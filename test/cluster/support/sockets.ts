import { io as connect, NodeWebSocket, NodeXHR } from 'socket.io-client'
import type { Socket } from 'socket.io-client'
import { createDeferred } from '../../../src/util/deferred.ts'
import { within } from './deadline.ts'
import { Journal } from './journal.ts'
import type { SeenEntry } from './journal.ts'
import { Places } from './places.ts'
import type { Position } from './places.ts'

/** How a client reaches the server; `upgrade` is the stock client's default: polling, then websocket. */
export type Transport = 'websocket' | 'polling' | 'upgrade'

export interface ClientOptions {
  readonly url: string
  /** The client's entity; names its journal and its messages. */
  readonly name: string
  readonly transport: Transport
  /** Joined on every connection; with `since` from the second answer on. */
  readonly channels: readonly string[]
  /** Holds the upgrade to websocket back until it resolves. */
  readonly upgradeWhen?: Promise<unknown>
  /** False: a lost connection stays lost. */
  readonly mayReconnect?: boolean
}

interface Waiter {
  readonly channelId: string
  readonly seq: number
  readonly resolve: (value: undefined) => void
}

interface JoinAnswer extends Position {
  readonly channelId: string
  readonly recovered?: boolean
}

interface AckAnswer {
  readonly channelId: string
  readonly clientMessageId: string
  readonly messageId: string
  readonly seq: number
}

interface Refusal {
  readonly error: string
  readonly code: string
  readonly clientMessageId?: string
}

type Payload = Readonly<Record<string, unknown>> & {
  readonly channelId: string
  readonly seq: number
}

const TRANSPORTS = {
  websocket: ['websocket'],
  polling: ['polling'],
  upgrade: ['polling', 'websocket'],
} as const

/** The library takes names or classes, not both. */
function transportsOf({ transport, upgradeWhen }: ClientOptions) {
  return upgradeWhen === undefined ? [...TRANSPORTS[transport]] : [NodeXHR, heldBack(upgradeWhen)]
}

/** The library's own websocket, which opens when the promise resolves. */
function heldBack(until: Promise<unknown>) {
  return class extends NodeWebSocket {
    override doOpen(): this {
      void until.then(() => super.doOpen())
      return this
    }
  }
}

/** Milliseconds until a refused join is tried again. */
const JOIN_RETRY_MS = 100

/** Events that show an entry. A `messageBroadcast` with `messageSeq` is an edit. */
const ENTRY_EVENTS = [
  ['messageBroadcast', 'posted'],
  ['messageDeleted', 'deleted'],
  ['channelCleared', 'cleared'],
  ['channelUpdated', 'updated'],
  ['channelDeleted', 'removed'],
] as const

/** The gateway of a connection, as far as a client can tell: the part of its session id before the dot. */
function gatewayIdOf(socket: Socket): string {
  return socket.io.engine.id?.split('.')[0] ?? ''
}

function seenEntry(usually: SeenEntry['kind'], payload: Payload): SeenEntry {
  const { channelId, seq, messageSeq } = payload
  const isEdit = typeof messageSeq === 'number'
  const text = (name: string): string | undefined => {
    const value = payload[name]
    return typeof value === 'string' ? value : undefined
  }
  const fields = {
    messageId: text('messageId') ?? text('id'),
    senderId: text('senderId'),
    text: text('text'),
    clientMessageId: text('clientMessageId'),
    messageSeq: isEdit ? messageSeq : undefined,
  }
  const present = Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  )
  const kind = isEdit ? 'edited' : usually
  return { what: 'entry', channelId, seq, kind, ...present }
}

/**
 * A stock `socket.io-client` that does what the guarantees ask of a client, and writes down all it
 * does and sees: after every connect it joins its channels with `since` the last number it has seen.
 */
export class TestClient implements AsyncDisposable {
  readonly journal: Journal
  readonly socket: Socket
  readonly #options: ClientOptions
  readonly #places: Places
  #waiters: Waiter[] = []
  #onConnected: () => void = () => undefined
  #onAck: (answer: AckAnswer) => void = () => undefined
  #onRefused: (refusal: Refusal) => void = () => undefined

  constructor(options: ClientOptions) {
    this.#options = options
    this.journal = new Journal(options.name)
    this.#places = new Places(options.channels)
    this.socket = connect(options.url, {
      transports: transportsOf(options),
      auth: { entityId: options.name },
      forceNew: true,
      autoConnect: false,
      reconnection: options.mayReconnect ?? true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 250,
    })
    this.#listen()
    this.#listenToEntries()
  }

  get name(): string {
    return this.#options.name
  }

  get channels(): readonly string[] {
    return this.#options.channels
  }

  get transport(): Transport {
    return this.#options.transport
  }

  get gatewayId(): string {
    return gatewayIdOf(this.socket)
  }

  /** Hands this client's sends over to a driver; at most one. */
  drive(driver: {
    readonly onConnected: () => void
    readonly onAck: (answer: AckAnswer) => void
    readonly onRefused: (refusal: Refusal) => void
  }): void {
    this.#onConnected = driver.onConnected
    this.#onAck = driver.onAck
    this.#onRefused = driver.onRefused
  }

  /** Connects; resolves when every channel was joined. */
  async open(): Promise<this> {
    this.socket.connect()
    await Promise.all(this.channels.map((channelId) => this.reached(channelId, 0)))
    return this
  }

  /** Sends once, now; only while connected, so that nothing waits inside the library. */
  send(channelId: string, clientMessageId: string, text: string): void {
    this.journal.record({ what: 'sent', channelId, clientMessageId, text })
    this.#places.sent(channelId, clientMessageId)
    const payload = { channelId, senderId: this.name, message: text, messageId: clientMessageId }
    this.socket.emit('SEND_MESSAGE', payload, (answer: AckAnswer | Refusal) => {
      if ('error' in answer) return
      this.#recordAck('callback', answer)
    })
  }

  /** Resolves when the client has seen the channel up to this number, from a join or an entry. */
  async reached(channelId: string, seq: number): Promise<void> {
    if ((this.positionOf(channelId)?.seq ?? -1) >= seq) return
    const { promise, resolve } = createDeferred<undefined>()
    this.#waiters.push({ channelId, seq, resolve })
    await within(promise, () => {
      const at = this.positionOf(channelId)?.seq
      const { connected } = this.socket
      return `${this.name} (${this.transport}) stands at ${at} of ${channelId}, not ${seq}; connected: ${connected}`
    })
  }

  /** Resolves when the connection is a websocket: at once, or when its upgrade is over. */
  async onWebSocket(): Promise<void> {
    const { engine } = this.socket.io
    if (engine.transport.name === 'websocket') return
    const { promise, resolve } = createDeferred<undefined>()
    engine.once('upgrade', () => {
      resolve(undefined)
    })
    await within(promise, () => `${this.name} did not upgrade`)
  }

  /** The last number seen of a channel; undefined before the first join. */
  positionOf(channelId: string): Position | undefined {
    return this.#places.positionOf(channelId)
  }

  isInside(channelId: string): boolean {
    return this.#places.isInside(channelId)
  }

  /** True while the answer of a join is to come; until then nothing else is asked about the channel. */
  isJoining(channelId: string): boolean {
    return this.#places.isJoining(channelId)
  }

  /** Leaves a channel, which stays left on later connections, until `rejoin`. */
  leave(channelId: string): void {
    this.journal.record({ what: 'leaving', channelId })
    this.#places.leave(channelId)
    if (this.socket.connected) this.socket.emit('leave', { channelId })
  }

  /** Joins again: behind what it saw last before it left, or anew from where the channel is now. */
  rejoin(channelId: string, from: 'since' | 'now'): void {
    this.#places.enter(channelId, from)
    if (this.socket.connected) this.#join(channelId)
  }

  /** Goes away for good; `abruptly` without a word to the server. */
  goAway(how: 'politely' | 'abruptly'): void {
    for (const channelId of this.channels) {
      if (this.isInside(channelId)) this.journal.record({ what: 'leaving', channelId })
      this.#places.leave(channelId)
    }
    this.socket.io.reconnection(false)
    if (how === 'politely') this.socket.disconnect()
    else this.socket.io.engine?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.disconnect()
    await Promise.resolve()
  }

  #listen(): void {
    const { socket, journal } = this
    // Before 'connect': an upgrade may be over by then.
    socket.io.on('open', () => {
      socket.io.engine.once('upgrade', () => {
        journal.record({ what: 'upgraded' })
      })
    })
    socket.on('connect', () => {
      journal.record({ what: 'connected', gatewayId: this.gatewayId })
      for (const channelId of this.#places.inside) this.#join(channelId)
      this.#onConnected()
    })
    socket.on('connect_error', (error) => {
      journal.record({ what: 'connect-failed', reason: error.message })
    })
    socket.on('disconnect', (reason) => {
      // The library would send these before anything that a resuming client has to send first.
      socket.sendBuffer.length = 0
      journal.record({ what: 'disconnected', reason })
    })
    socket.on('channel_left', ({ channelId }: { readonly channelId: string }) => {
      journal.record({ what: 'left', channelId })
    })
    socket.on('channel_joined', (answer: JoinAnswer) => {
      const { channelId, epoch, seq, recovered } = answer
      journal.record({
        what: 'joined',
        channelId,
        epoch,
        seq,
        ...(recovered !== undefined && { recovered }),
      })
      this.#places.joined(channelId, { epoch, seq })
      this.#settle(channelId)
    })
    socket.on('messageAck', (answer: AckAnswer) => {
      this.#recordAck('event', answer)
      this.#places.acked(answer.channelId, answer.clientMessageId)
      this.#onAck(answer)
    })
    socket.on('messageError', (refusal: Refusal) => {
      const { code, clientMessageId } = refusal
      journal.record({
        what: 'refused',
        code,
        ...(clientMessageId !== undefined && { clientMessageId }),
      })
      this.#onRefused(refusal)
    })
  }

  #listenToEntries(): void {
    for (const [event, kind] of ENTRY_EVENTS) {
      this.socket.on(event, (payload: Payload) => {
        const entry = seenEntry(kind, payload)
        this.journal.record(entry)
        this.#places.saw(entry)
        this.#settle(entry.channelId)
      })
    }
  }

  #join(channelId: string): void {
    const since = this.#places.join(channelId)
    this.journal.record({
      what: 'joining',
      channelId,
      ...(since !== undefined && { since: since.seq }),
    })
    const { id } = this.socket
    this.socket.emit(
      'ROOM_JOINING',
      { channelId, entityId: this.name, since },
      (answer: JoinAnswer | Refusal) => {
        if (!('error' in answer)) return
        setTimeout(() => {
          const isStill = this.socket.connected && this.socket.id === id
          if (isStill && this.isInside(channelId)) this.#join(channelId)
        }, JOIN_RETRY_MS)
      },
    )
  }

  #recordAck(via: 'event' | 'callback', answer: AckAnswer): void {
    const { channelId, clientMessageId, messageId, seq } = answer
    this.journal.record({ what: 'acked', via, channelId, clientMessageId, messageId, seq })
  }

  #settle(channelId: string): void {
    const position = this.positionOf(channelId)
    if (position === undefined) return
    const isReached = (waiter: Waiter): boolean =>
      waiter.channelId === channelId && waiter.seq <= position.seq
    const reached = this.#waiters.filter(isReached)
    if (reached.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => !isReached(waiter))
    for (const { resolve } of reached) resolve(undefined)
  }
}

/** Opens clients side by side; resolves when all have joined. */
export async function openClients(options: readonly ClientOptions[]): Promise<TestClient[]> {
  return Promise.all(options.map((one) => new TestClient(one).open()))
}
