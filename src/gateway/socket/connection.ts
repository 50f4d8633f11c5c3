import type { Socket } from 'socket.io'
import type { EventMeter } from '../limits/event-meter.ts'
import type { Caller } from '../../service/caller.ts'
import type { EventName } from '../../protocol/wire.ts'
import { eventPacket } from './packets.ts'
import type { Membership } from './membership.ts'
import type { OwnMessage } from './own-message.ts'
import { Outbox } from './outbox.ts'
import { SharedPackets } from './shared-packets.ts'

/** The last relayed start: when it was, and whether others still see it. */
export interface TypingState {
  readonly startedMs: number
  readonly isShown: boolean
}

export interface ConnectionOptions {
  readonly caller: Caller
  readonly meter: EventMeter
  readonly maxQueueBytes: number
  readonly onTooSlow: () => void
}

/** One client socket: who it is, where it is, and what it waits for. */
export class Connection {
  readonly socket: Socket
  readonly caller: Caller
  /** Counts what the client asks for. */
  readonly meter: EventMeter
  readonly outbox: Outbox
  /** By channel. */
  readonly memberships = new Map<string, Membership>()
  /** Who the connection is in channels that it is on its way into. */
  readonly joiningAs = new Map<string, string>()
  /** Messages sent and not yet acknowledged, by message id; bounded by the log's own queue bound. */
  readonly own = new Map<string, OwnMessage>()
  /** What was relayed of its typing, by channel the connection is a member of. */
  readonly typing = new Map<string, TypingState>()
  #isClosed = false
  #isHeard = true
  #commandCount = 0
  /** Joins and leaves under way, by channel: they happen one after the other. */
  readonly #moving = new Map<string, Promise<void>>()

  constructor(socket: Socket, options: ConnectionOptions) {
    this.socket = socket
    this.caller = options.caller
    this.meter = options.meter
    this.outbox = new Outbox(socket, options.maxQueueBytes, options.onTooSlow)
  }

  /** Who the token or the handshake said it is; older clients say nothing. */
  get entityId(): string | undefined {
    return this.caller.entityId
  }

  get id(): string {
    return this.socket.id
  }

  /** True once the client is gone; what it sent before may still be on its way here. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The client is gone: nothing is sent to it any more, and it joins nothing any more. */
  close(): void {
    this.#isClosed = true
    this.own.clear()
    this.outbox.dispose()
  }

  /** False once the gateway lets the connection go: what comes then is for the next connection to bring again. */
  get isHeard(): boolean {
    return this.#isHeard
  }

  /** True when every command that was heard is carried out and every message of it acknowledged. */
  get isAnswered(): boolean {
    return this.#commandCount === 0 && this.own.size === 0
  }

  stopHearing(): void {
    this.#isHeard = false
  }

  /** Counts a command as under way until it has settled. */
  async carryOut(command: () => void | Promise<void>): Promise<void> {
    this.#commandCount += 1
    try {
      await command()
    } finally {
      this.#commandCount -= 1
    }
  }

  emit(event: EventName, payload: object): void {
    this.outbox.send(new SharedPackets([eventPacket(event, payload)]))
  }

  /** Runs a join or leave after those of the same channel that came before it. */
  async move(channelId: string, action: () => Promise<void>): Promise<void> {
    const before = this.#moving.get(channelId) ?? Promise.resolve()
    // The one before answers for its own failure.
    const run = before.then(action, action)
    const settled = run.catch(() => undefined)
    this.#moving.set(channelId, settled)
    try {
      await run
    } finally {
      if (this.#moving.get(channelId) === settled) this.#moving.delete(channelId)
    }
  }

  /** Resolves when no join or leave of the channel is under way. */
  async settled(channelId: string): Promise<void> {
    await this.#moving.get(channelId)
  }

  /** Channels that the connection is in or on its way into. */
  channelIds(): ReadonlySet<string> {
    return new Set([...this.memberships.keys(), ...this.#moving.keys()])
  }

  isMoving(channelId: string): boolean {
    return this.#moving.has(channelId)
  }
}
