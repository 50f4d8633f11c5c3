import type { Socket } from 'socket.io'
import type { EventName } from '../../protocol/wire.ts'
import { eventPacket } from './packets.ts'
import type { Membership } from './membership.ts'
import type { OwnMessage } from './own-message.ts'
import { Outbox } from './outbox.ts'

export interface ConnectionOptions {
  /** Who the handshake said it is; older clients say nothing. */
  readonly entityId: string | undefined
  readonly maxQueueBytes: number
  readonly onTooSlow: () => void
}

/** One client socket: who it is, where it is, and what it waits for. */
export class Connection {
  readonly socket: Socket
  readonly entityId: string | undefined
  readonly outbox: Outbox
  /** By channel. */
  readonly memberships = new Map<string, Membership>()
  /** Who the connection is in channels that it is on its way into. */
  readonly joiningAs = new Map<string, string>()
  /** Messages sent and not yet acknowledged, by message id; bounded by the log's own queue bound. */
  readonly own = new Map<string, OwnMessage>()
  /** When typing was last relayed, by channel the connection is a member of. */
  readonly typingSinceMs = new Map<string, number>()
  /** Joins and leaves under way, by channel: they happen one after the other. */
  readonly #moving = new Map<string, Promise<void>>()

  constructor(socket: Socket, options: ConnectionOptions) {
    this.socket = socket
    this.entityId = options.entityId
    this.outbox = new Outbox(socket, options.maxQueueBytes, options.onTooSlow)
  }

  get id(): string {
    return this.socket.id
  }

  emit(event: EventName, payload: object): void {
    this.outbox.send([eventPacket(event, payload)])
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
