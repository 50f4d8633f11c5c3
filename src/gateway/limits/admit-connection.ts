import type { Socket } from 'socket.io'
import type { Caller } from '../../service/caller.ts'
import type { Hold } from '../../signals/signals.ts'
import { countedCaller } from './counted-caller.ts'
import type { Identify } from './counted-caller.ts'
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
 * Finds out who connects and counts the socket among those of its entity and its address.
 *
 * @throws RateLimited, TOO_MANY_CONNECTIONS, and what `identify` throws.
 */
export async function admitConnection(
  limits: Limits,
  socket: Socket,
  identify: Identify,
): Promise<Caller> {
  const caller = await countedCaller(identify, (one) => limits.takeConnect(socket.request, one))
  const hold = await limits.holdConnection(socket.request, caller)
  if (hold !== undefined) releaseAtEnd(hold, socket)
  return caller
}
