import type { Socket } from 'socket.io'
import { roomOf } from '../../signals/signals.ts'
import type { Presence } from '../../signals/signals.ts'

/**
 * Who is where on this gateway, for typing and presence.
 *
 * Keeps three things in step: the Socket.IO room, the gateway's watch on the channel's presence, and
 * the entity's presence itself.
 */
export class Roster {
  readonly #presence: Presence
  /** Connections by channel. */
  readonly #members = new Map<string, number>()

  constructor(presence: Presence) {
    this.#presence = presence
  }

  async add(socket: Socket, channelId: string, entityId: string | undefined): Promise<void> {
    const members = this.#members.get(channelId) ?? 0
    this.#members.set(channelId, members + 1)
    if (members === 0) this.#presence.watch(channelId)
    if (entityId !== undefined) this.#presence.enter(channelId, entityId)
    await socket.join(roomOf(channelId))
  }

  async remove(socket: Socket, channelId: string, entityId: string | undefined): Promise<void> {
    const members = (this.#members.get(channelId) ?? 1) - 1
    if (entityId !== undefined) this.#presence.leave(channelId, entityId)
    if (members > 0) {
      this.#members.set(channelId, members)
    } else {
      this.#members.delete(channelId)
      this.#presence.unwatch(channelId)
    }
    await socket.leave(roomOf(channelId))
  }
}
