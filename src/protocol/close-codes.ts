/**
 * WebSocket close codes of the transport. The range says what a client does next:
 * 40xx reconnect now · 41xx reconnect later · 42xx get a new token first · 43xx do not come back.
 *
 * Closing the transport (never `socket.disconnect()`) lets stock Socket.IO clients reconnect by
 * themselves; after a Socket.IO disconnect packet they stay away.
 */
export const CLOSE_CODES = {
  /** The gateway drains; another one is listening. */
  GATEWAY_DRAINING: 4000,
  /** The connection read too slowly and its queue reached its bound: reconnect and resume with `since`. */
  READER_TOO_SLOW: 4001,
  /** The gateway could not replay what was missed within its bound: reconnect and resume. */
  REPLAY_INTERRUPTED: 4002,
  /** The transport broke the protocol of connections; what breaks Engine.IO itself is closed without a code. */
  PROTOCOL_VIOLATED: 4300,
} as const

export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES]
