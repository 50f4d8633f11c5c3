/** What bounds one call of an engine, which blocks its process while it runs. */
export const ENGINE_LIMITS = {
  /**
   * Bytes of bodies in one read of messages or entries where the caller names no bound, and of words in
   * one list of channels or servers. More: longer pages of large messages, and as much memory for each.
   * Past it the page ends early, and of a list the oldest are left out.
   */
  maxReadBytes: 8 * 1024 * 1024,
  /** Channels or servers in one list. Past it the oldest are left out. */
  maxListed: 10_000,
  /**
   * Participants of one channel where the engine's owner names no bound. Past it whatever would add one is
   * refused with `TOO_MANY_PARTICIPANTS`; who takes part already stays.
   */
  maxParticipants: 10_000,
  /**
   * Channels that go with their server: one takes some 40 µs of the writer (measured), so that others
   * wait less than half a second. Past it `delete-server` is refused with `SERVER_TOO_LARGE`.
   */
  maxChannelsDeleted: 10_000,
  /** Rows that one slice of the sweep erases: 3–15 ms (measured on 500,000 rows). More: others wait longer. */
  sweepRows: 500,
  /**
   * Places that one look into an inbox covers: 1.6–2.7 ms where nothing is for the agent (measured on
   * 2,000,000 rows). More: fewer looks at a long absence; the process stands still for longer.
   */
  inboxPlaces: 5_000,
  /** Agents of one channel for whom a message waits until it is complete: the first that came. */
  maxAgentsAwaited: 64,
  /**
   * Channels in which an agent becomes one that took part there before it was ever run. Past it the oldest stay as they
   * are: it answers there, but no message waits for it.
   */
  maxChannelsOfNewAgent: 10_000,
  /** Streams that go on at once, in all. Past it one more is refused with `OVERLOADED`. */
  maxStreams: 10_000,
  /**
   * Agents that are called over HTTP and those of others that are stopped, together: each host reads them all when
   * one of them changes. Past it there is no further one: `TOO_MANY_AGENTS`.
   */
  maxAgents: 1_000,
  /** Failures of one agent. Past it those of its oldest messages are dropped, with a log line. */
  maxFailures: 10_000,
  /** Failures, and resolved ones, in one `settle`: some 10 µs of the writer each. Past it it is refused with `INVALID_PAYLOAD`. */
  maxFailuresPerSettle: 1_000,
  /** UTF-16 units of a failure's reason. Past it the rest is cut off. */
  maxReasonChars: 1_000,
  /** Milliseconds for which a discarded failure is remembered, so that a repeated discard is known. */
  discardMemoryMs: 60_000,
  /** Discarded failures that one discard forgets at most: it makes one. */
  discardsForgotten: 100,
} as const
