import type { Socket } from 'socket.io-client'

/** Resolves with the code with which the client's websocket is closed; undefined where there was none. */
export function closeCode({ io }: Socket): Promise<unknown> {
  return new Promise((resolve) => {
    io.once('close', (_reason, details) => {
      const event = details !== undefined && 'context' in details ? details.context : undefined
      resolve(event instanceof Object && 'code' in event ? event.code : undefined)
    })
  })
}
