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
} as const
