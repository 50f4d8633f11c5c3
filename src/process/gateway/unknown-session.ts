import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** engine.io's own words for a session that does not exist; clients open a new one when they read it. */
const BODY = JSON.stringify({ code: 1, message: 'Session ID unknown' })

const RAW_RESPONSE =
  'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\n' +
  `Content-Length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`

export function answerUnknownSession(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(400, { 'Content-Type': 'application/json' }).end(BODY)
}

/** For a request that asked for an upgrade: its socket has no response object. */
export function refuseUpgrade(socket: Duplex): void {
  // The peer may be gone already; there is nobody to tell then.
  socket.on('error', () => undefined)
  socket.end(RAW_RESPONSE, () => {
    socket.destroy()
  })
}
