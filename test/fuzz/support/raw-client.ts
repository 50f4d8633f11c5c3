import { createDeferred } from '../../../src/util/deferred.ts'
import { openRawWebSocket } from './raw-web-socket.ts'
import type { Ending, RawWebSocket, UpgradeOptions } from './raw-web-socket.ts'
import { within } from '../../cluster/support/deadline.ts'

/** Socket.IO packets behind Engine.IO's `4`. */
const CONNECTED = '40'
const REFUSED = '44'
const EVENT = '42'
const ACK = /^43(\d+)(.*)$/s

export interface RawClientOptions extends UpgradeOptions {
  readonly auth?: object
}

/** A Socket.IO client that sends what it is told to, and hands out all that comes. */
export class RawClient implements Disposable {
  readonly #web: RawWebSocket
  readonly #acks = new Map<number, (answer: string) => void>()
  #lastAck = 0

  constructor(web: RawWebSocket) {
    this.#web = web
  }

  get isOpen(): boolean {
    return this.#web.isOpen
  }

  get ended(): Promise<Ending> {
    return this.#web.ended
  }

  get web(): RawWebSocket {
    return this.#web
  }

  /** Sends an event's arguments, a character for each byte; resolves with the answer as text, undefined when the connection ends first. */
  async ask(args: string): Promise<string | undefined> {
    const id = ++this.#lastAck
    const answered = new Promise<string>((resolve) => {
      this.#acks.set(id, resolve)
    })
    this.#web.send(`${EVENT}${id}${args}`)
    const gone = this.ended.then(() => undefined)
    try {
      return await within(
        Promise.race([answered, gone]),
        () => `an answer to ${args.slice(0, 500)}`,
      )
    } finally {
      this.#acks.delete(id)
    }
  }

  take(text: string): void {
    const ack = ACK.exec(text)
    if (ack === null) return
    this.#acks.get(Number(ack[1]))?.(ack[2] ?? '')
  }

  [Symbol.dispose](): void {
    this.#web[Symbol.dispose]()
  }
}

/** Opens a session over a WebSocket and connects to the namespace. @throws what the server refuses with. */
export async function openRawClient(
  port: number,
  options: RawClientOptions = {},
  onText: (text: string) => void = () => undefined,
): Promise<RawClient> {
  let client: RawClient | undefined
  const connected = createDeferred<string>()
  const opened = await openRawWebSocket(
    port,
    (text, web) => {
      if (text.startsWith('0{')) web.send(CONNECTED + JSON.stringify(options.auth ?? {}))
      else if (text === '2') web.send('3')
      else if (text.startsWith(CONNECTED) || text.startsWith(REFUSED)) connected.resolve(text)
      client?.take(text)
      onText(text)
    },
    options,
  )
  client = new RawClient(opened)
  const first = await within(
    Promise.race([connected.promise, opened.ended.then(({ code }) => `closed with ${code}`)]),
    () => 'a connected namespace',
  )
  if (first.startsWith(CONNECTED)) return client
  client[Symbol.dispose]()
  throw new Error(first)
}
