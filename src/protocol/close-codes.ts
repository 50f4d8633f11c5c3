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
  /** The server has as many connections of this client as it may have: reconnect later. */
  TOO_MANY_CONNECTIONS: 4100,
  /** The client sent ten times the events that it may: reconnect later. */
  RATE_LIMITED: 4101,
  /** The token has expired: get a new one, then reconnect. */
  TOKEN_EXPIRED: 4200,
  /** The transport broke the protocol of connections; what breaks Engine.IO itself is closed without a code. */
  PROTOCOL_VIOLATED: 4300,
} as const

export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES]
