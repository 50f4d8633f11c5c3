import { Sender } from '../cluster/support/sender.ts'
import type { Acknowledged, Draft } from '../cluster/support/sender.ts'
import { TestClient } from '../cluster/support/sockets.ts'
import type { ClientOptions } from '../cluster/support/sockets.ts'
import { Ear } from './ear.ts'
import type { Link } from './link.ts'
import { talkChannels } from './talk-rooms.ts'

/** Messages of one sender under way at once. */
const WINDOW_SIZE = 12
/** Messages that may wait in one sender while the server is away; past it the plan's sends are left out. */
const MAX_QUEUED = 4_000

/** Messages that may be sent once more, long after they were acknowledged. */
const MAX_REPEATABLE = 200

export interface PersonOptions extends ClientOptions {
  /** The way to the server, where it is one that can be held and cut. */
  readonly link?: Link
  readonly onAcknowledged: (message: Acknowledged) => void
}

export interface Cancel {
  readonly messageId: string
  readonly channelId: string
}

/** A client that sends what it is told to, when it can. */
export class Person {
  readonly client: TestClient
  /** What it hears of agents. */
  readonly ear: Ear
  readonly #link: Link | undefined
  readonly #sender: Sender
  readonly #queue: Draft[] = []
  readonly #repeatable: Acknowledged[] = []

  constructor(options: PersonOptions) {
    const { link, onAcknowledged, ...clientOptions } = options
    this.#link = link
    this.client = new TestClient(clientOptions)
    this.ear = new Ear(this.client.name, this.client.socket, new Set(talkChannels))
    this.#sender = new Sender(this.client, {
      windowSize: WINDOW_SIZE,
      next: () => this.#queue.shift(),
      onAcknowledged: (message) => {
        this.#repeatable.push(message)
        if (this.#repeatable.length > MAX_REPEATABLE) this.#repeatable.shift()
        onAcknowledged(message)
      },
    })
    this.#sender.start()
  }

  /** Messages that wait to be sent or to be acknowledged. */
  get openCount(): number {
    return this.#queue.length + this.#sender.waitingCount
  }

  /** Answers false when too much waits already. */
  send(draft: Draft, count: number): boolean {
    if (this.#queue.length + count > MAX_QUEUED) return false
    for (let sent = 0; sent < count; sent += 1) this.#queue.push(draft)
    this.#sender.pump()
    return true
  }

  /** Sends a message again that was acknowledged; answers false when there is none, or no connection. */
  repeat(which: number): boolean {
    const message = this.#repeatable[Math.floor(which * this.#repeatable.length)]
    if (message === undefined || !this.client.socket.connected) return false
    this.client.send(message.channelId, message.clientMessageId, `${message.text} again`)
    return true
  }

  /** Wants something to end that an agent is at; answers what, where that is to be asked for over REST. */
  cancel(which: number, by: 'socket' | 'rest'): Cancel | undefined {
    const { stoppable } = this.ear
    const cancel = stoppable[Math.floor(which * stoppable.length)]
    if (cancel === undefined || !this.client.socket.connected) return undefined
    if (by === 'rest') this.ear.noteOut('cancel_stream', { ...cancel })
    else this.client.socket.emit('cancel_stream', cancel, () => undefined)
    return cancel
  }

  /** Breaks the connection; the client comes back by itself. */
  drop(): void {
    if (this.#link === undefined) this.client.socket.io.engine?.close()
    else this.#link.cut()
  }

  hold(forMs: number): void {
    this.#link?.hold()
    setTimeout(() => this.#link?.release(), forMs)
  }

  /** Goes away and does not come back. */
  goAway(how: 'politely' | 'abruptly'): void {
    this.client.goAway(how)
    if (how === 'abruptly') this.#link?.cut()
  }

  describe(): string {
    return `${this.#sender.describe()}, ${this.#queue.length} to be sent`
  }

  async close(): Promise<void> {
    await this.client[Symbol.asyncDispose]()
    await this.#link?.[Symbol.asyncDispose]()
  }
}
