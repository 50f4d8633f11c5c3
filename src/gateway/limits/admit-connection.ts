import type { Socket } from 'socket.io'
import type { Caller } from '../../service/caller.ts'
import type { Hold } from '../../signals/signals.ts'
import type { Limits } from './limits.ts'

/** Gives the place back when the socket disconnects, or its transport ends before it has connected. */
function releaseAtEnd(hold: Hold, socket: Socket): void {
  const { conn } = socket
  const release = (): void => {
    conn.off('close', release)
    hold.release()
  }
  // A transport may carry several sockets, one after the other.
  socket.once('disconnect', release)
  conn.once('close', release)
  if (conn.readyState === 'closed') release()
}

/**
 * Finds out who connects and counts the socket among those of its entity and its address. Whoever cannot
 * prove who it is counts as well, so that nobody may guess as often as it likes.
 *
 * @throws RateLimited, TOO_MANY_CONNECTIONS, and what `identify` throws.
 */
export async function admitConnection(
  limits: Limits,
  socket: Socket,
  identify: () => Caller | Promise<Caller>,
): Promise<Caller> {
  let caller: Caller
  try {
    caller = await identify()
  } catch (error) {
    limits.takeConnect(socket.request, undefined)
    throw error
  }
  limits.takeConnect(socket.request, caller)
  const hold = await limits.holdConnection(socket.request, caller)
  if (hold !== undefined) releaseAtEnd(hold, socket)
  return caller
}
