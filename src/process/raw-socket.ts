import type { Socket } from 'node:net'

interface Internals {
  server?: unknown
  readonly _handle?: { reading: boolean; readStop(): void } | null
}

/**
 * Makes a socket ready to be passed to another process without losing a byte, and returns what was
 * read already. The caller passes it in the same tick.
 *
 * Node has no public way to stop reading a socket that it reads already (`pause()` goes on reading
 * into the stream's buffer; `pauseOnConnect` is for servers that never read), and a process that
 * still holds a copy would swallow the first frames meant for the receiver. And a socket that knows
 * its server makes the sending server ask about it when it closes and then forget its own
 * connections, whereupon engine.io cuts every session of a gateway that should drain. So this one
 * file touches `_handle` and `server`; the hand-over tests fail when Node changes them.
 */
export function detachSocket(socket: Socket): Buffer {
  const internals = socket as unknown as Internals
  if (internals._handle) {
    internals._handle.reading = false
    internals._handle.readStop()
  }
  internals.server = undefined
  const rest: unknown = socket.read()
  return Buffer.isBuffer(rest) ? rest : Buffer.alloc(0)
}
