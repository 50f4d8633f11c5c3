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

/** One more of something that belongs to the key, of which it may have `max` at a time. */
export interface Wanted {
  readonly key: string
  readonly max: number
}

/** What was asked for, as long as it is needed. */
export interface Hold {
  /** The first of the keys that has as many as it may; nothing is held then. */
  readonly refused: Wanted | undefined
  /** Gives back what is held, once; further calls do nothing. */
  release(): void
}

/**
 * How much keys use in a second and how much they have at a time, over all gateways.
 *
 * Nothing here waits for another process that is away, and nothing fails with it: what one gateway knows
 * by itself holds always, what the others know as soon as it can be had.
 */
export interface Quotas {
  /**
   * Uses the key once: 0 when it may, otherwise the milliseconds after which it may be tried again.
   *
   * Seconds are those of a clock that all gateways share, so a second that lies across two of them may
   * see twice the limit. Over all gateways a key gets its limit, plus at most a sixteenth of it for each
   * other gateway, plus what they allow in the moment in which the word that it is spent travels (never
   * more than the limit each). What it got too much is taken from the seconds that follow.
   */
  take(key: string, perSecond: number): number
  /**
   * One more of each key, or of none. Exact where the hub answers within a second; otherwise this gateway
   * counts its own alone, and the hub learns of them later.
   */
  hold(wanted: readonly Wanted[]): Promise<Hold>
}
