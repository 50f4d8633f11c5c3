/** What the call of an agent over HTTP may take. */
export interface WebhookLimits {
  /**
   * Longest that nothing may come: from the call to the head of the answer, and between two parts of its body. Past
   * it the call has failed; the deadline of the whole is the handler's.
   */
  readonly maxSilenceMs: number
  /** Bytes of an answer that is no stream. Past it the call has failed. */
  readonly maxAnswerBytes: number
  /** Bytes of an event stream, with everything around its text. Past it the stream has failed. */
  readonly maxStreamBytes: number
  /** Characters of one event of a stream. Past it the stream has failed. */
  readonly maxEventChars: number
  /** Replies in one answer. Past it the call has failed, and none of them is said. */
  readonly maxReplies: number
  /** Connections at a time, in all and to one host; calls beyond wait, which counts as silence. */
  readonly maxConnections: number
  readonly maxConnectionsPerHost: number
  /** How long a connection that nobody uses is kept. */
  readonly idleConnectionMs: number
  /** Names that are looked up at a time: each takes one of the process's four threads for as long as the resolver does. */
  readonly maxLookups: number
}

export const WEBHOOK_LIMITS: WebhookLimits = {
  maxSilenceMs: 60_000,
  maxAnswerBytes: 4 * 1024 * 1024,
  maxStreamBytes: 16 * 1024 * 1024,
  maxEventChars: 4 * 1024 * 1024,
  maxReplies: 16,
  maxConnections: 512,
  maxConnectionsPerHost: 128,
  idleConnectionMs: 4_000,
  maxLookups: 2,
}
