import { setTimeout as delay } from 'node:timers/promises'
import { CLOSE_CODES } from '../../protocol/close-codes.ts'
import type { Connection } from './connection.ts'
import { isAtRest } from './transport.ts'

/** Milliseconds between two slices of a drain. */
const SLICE_MS = 50
/** Share of the drain time over which transports are closed; the rest is for the closings to finish. */
const CLOSING_SHARE = 0.7
/** Milliseconds between two looks at a connection that is about to be closed. */
const LOOK_EVERY_MS = 5
/** Longest that a polling client which has its answers gets to poll again; then its next request finds no session. */
const NEXT_POLL_MS = 2_000

/**
 * Closes one connection behind the answers to all that it was heard to say.
 *
 * First nothing more is heard, or a client with several messages in flight would never be answered;
 * then every answer is written; then the transport closes. What the client sends in these moments is
 * dropped unread, as if it had come after the close, and the client, which has no answer to it,
 * sends it again. A writer that is away and a reader that does not read hold this up; the caller
 * bounds the wait.
 */
async function closeAnswered(connection: Connection): Promise<void> {
  const { conn } = connection.socket
  connection.stopHearing()
  while (!connection.isClosed && !connection.isAnswered) await delay(LOOK_EVERY_MS)
  const answeredAtMs = performance.now()
  const mayClose = (): boolean =>
    connection.isClosed ||
    isAtRest(conn) ||
    (conn.transport.name === 'polling' && performance.now() - answeredAtMs > NEXT_POLL_MS)
  while (!mayClose()) await delay(LOOK_EVERY_MS)
  connection.outbox.close(CLOSE_CODES.GATEWAY_DRAINING, 'gateway draining: reconnect')
}

/** Whether the client opens connections of its own to fetch what is sent to it. */
export function isPolling({ socket }: Connection): boolean {
  return socket.conn.transport.name === 'polling'
}

/**
 * Closes the connections a few at a time, so that their clients do not all reconnect in one moment.
 * Those that poll come first: in a stop the port stays open for them until they are gone. Resolves
 * when none is left; the caller bounds the wait.
 */
export async function drainConnections(
  connections: ReadonlySet<Connection>,
  drainMs: number,
): Promise<void> {
  const chosen = new Set<Connection>()
  const slices = Math.max(1, Math.floor((drainMs * CLOSING_SHARE) / SLICE_MS))
  // A handful of connections need no spreading.
  const sliceSize = Math.max(10, Math.ceil(connections.size / slices))
  while (connections.size > 0) {
    const left = [...connections].filter((connection) => !chosen.has(connection))
    const inOrder = [...left.filter(isPolling), ...left.filter((one) => !isPolling(one))]
    for (const connection of inOrder.slice(0, sliceSize)) {
      chosen.add(connection)
      void closeAnswered(connection)
    }
    await delay(SLICE_MS)
  }
}
