/**
 * The Socket.IO room of a channel. Prefixed, because every connection is alone in a room named by its
 * own id: a bare channel id could name one of those.
 */
export function roomOf(channelId: string): string {
  return `c:${channelId}`
}

/** Who types where. */
export interface TypingSignal {
  readonly channelId: string
  readonly entityId: string
  readonly isTyping: boolean
  /** Receivers forget the indicator after this many milliseconds: a killed process sends no stop. */
  readonly ttlMs: number
}

/**
 * The ephemeral fan-out between connections, at human rates only: it relays through the primary
 * without bound, so nothing at message rate may use it. May lose, never stores.
 */
export interface Signals {
  /** Sends to every connection in the channel, on all gateways, except the one with `exceptConnectionId`. */
  typing(signal: TypingSignal, exceptConnectionId: string): void
}

/** An entity became present in a channel or left it. `count` entities are present after it. */
export interface PresenceChange {
  readonly channelId: string
  readonly entityId: string
  readonly isPresent: boolean
  readonly count: number
}

/**
 * Which entities are connected where, over all gateways.
 *
 * An entity is present in a channel while at least one connection of any gateway holds it there. A
 * gateway that dies takes its share with it within a moment. Not stored. In a channel with more than
 * 200 present entities single changes are not announced: whose own list differs from a change's
 * `count` asks for the list.
 */
export interface Presence {
  /** Counts one more connection of the entity in the channel on this gateway. */
  enter(channelId: string, entityId: string): void
  /** Takes back one `enter`. */
  leave(channelId: string, entityId: string): void
  /** Starts `onChange` calls for a channel; not counted, idempotent. */
  watch(channelId: string): void
  unwatch(channelId: string): void
  /** Ids in the order in which they became present. @throws WRITER_UNAVAILABLE when nobody answers in time. */
  list(channelId: string): Promise<readonly string[]>
}
