/**
 * What a frame is for, one byte on the wire; one table, so that subsystems that share a link cannot
 * take each other's numbers. 0–15 link, 16–31 log, 32–47 presence, 48–63 quotas, 64–79 the work of
 * agents, 80 and above free.
 */
export const FrameKind = {
  /** First frame of both sides: protocol version, role and peer id. */
  HELLO: 0,
  /** Instead of a hello: why the link is refused. */
  REFUSED: 1,

  /** Server → client: the epoch; the log may be used from here on. */
  LOG_READY: 16,
  LOG_APPEND: 17,
  LOG_ANSWERS: 18,
  LOG_FOLLOW: 19,
  LOG_FOLLOWED: 20,
  LOG_UNFOLLOW: 21,
  LOG_PUBLISH: 22,
  LOG_ENTRIES: 23,
  LOG_EPHEMERAL: 24,
  /** Client → server: wants `LOG_COMMITTED` and `LOG_JOINED` from here on. */
  LOG_WATCH: 25,
  LOG_COMMITTED: 26,
  LOG_ANNOUNCE: 27,
  LOG_JOINED: 28,
  /** Server → clients that watch: what is known of agents has changed. */
  LOG_AGENTS: 29,

  /** Server → client: the hub's id; presence may be used from here on. */
  PRESENCE_READY: 32,
  PRESENCE_REGISTER: 33,
  PRESENCE_CHANGES: 34,
  PRESENCE_WATCH: 35,
  PRESENCE_UNWATCH: 36,
  PRESENCE_LIST: 37,
  PRESENCE_LISTED: 38,
  PRESENCE_CHANGED: 39,

  /** Client → server: all that it holds; from here on it is told of blocks. */
  QUOTA_HOLDING: 48,
  QUOTA_HELD: 49,
  QUOTA_ACQUIRE: 50,
  QUOTA_ACQUIRED: 51,
  QUOTA_USED: 52,
  QUOTA_BLOCKED: 53,

  /** Client → server: the ids of all agents that it runs. */
  WORK_AGENTS: 64,
  WORK_TURN: 65,
  WORK_CHUNK: 66,
  /** Client → server: a stream of its own, with its whole text, over a new link. */
  WORK_CLAIM: 67,
  /** Server → clients that watch: what a participant wants to end. */
  WORK_CANCELLED: 68,
} as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]
