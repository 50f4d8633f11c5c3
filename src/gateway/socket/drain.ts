import { setTimeout as delay } from 'node:timers/promises'
import { CLOSE_CODES } from '../../protocol/close-codes.ts'
import type { Connection } from './connection.ts'

/** Milliseconds between two slices of a drain. */
const SLICE_MS = 50
/** Share of the drain time over which transports are closed; the rest is for the closings to finish. */
const CLOSING_SHARE = 0.7

/**
 * Closes the connections a few at a time, so that their clients do not all reconnect in one moment.
 * Resolves when none is left; the caller bounds the wait.
 */
export async function drainConnections(
  connections: ReadonlySet<Connection>,
  drainMs: number,
): Promise<void> {
  const closed = new Set<Connection>()
  const slices = Math.max(1, Math.floor((drainMs * CLOSING_SHARE) / SLICE_MS))
  // A handful of connections need no spreading.
  const sliceSize = Math.max(10, Math.ceil(connections.size / slices))
  while (connections.size > 0) {
    const next = [...connections].filter((connection) => !closed.has(connection))
    for (const connection of next.slice(0, sliceSize)) {
      closed.add(connection)
      connection.outbox.close(CLOSE_CODES.GATEWAY_DRAINING, 'gateway draining: reconnect')
    }
    await delay(SLICE_MS)
  }
}
