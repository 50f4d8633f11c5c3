import { ServerResponse } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { hasBody } from './body-framing.ts'
import { REFUSALS, refuseUpgrade } from './refusals.ts'

/** True for the one protocol that connections here change to. */
export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * Answers a request that offers another protocol as if it had not (RFC 9110, 7.8): clients offer h2c
 * with their first request and do not mind. Node has ended its parsing, so the connection ends with
 * the answer, and a body could not be read any more: that is refused.
 */
export function serveWithoutUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  server: Server,
): void {
  if (hasBody(request) || !(socket instanceof Socket)) {
    refuseUpgrade(socket, REFUSALS.badRequest)
    return
  }
  // A client that is gone by now misses its answer.
  socket.on('error', () => undefined)
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => {
    socket.end()
  })
  server.emit('request', request, response)
}
