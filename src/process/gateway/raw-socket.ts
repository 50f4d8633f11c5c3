import type { Socket } from 'node:net'

interface StreamHandle {
  reading: boolean
  readStop(): void
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
  const handle: StreamHandle | null | undefined = Reflect.get(socket, '_handle')
  if (handle) {
    handle.reading = false
    handle.readStop()
  }
  Reflect.set(socket, 'server', undefined)
  const rest: unknown = socket.read()
  return Buffer.isBuffer(rest) ? rest : Buffer.alloc(0)
}
