import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** An answer in engine.io's own words: its clients know them. */
export interface Refusal {
  readonly status: keyof typeof STATUS_LINES
  readonly body: string
  /** The connection ends with the answer: what follows on it is not read. */
  readonly isLast: boolean
}

export const REFUSALS = {
  /** Clients open a new session when they read it. */
  unknownSession: {
    status: 400,
    body: JSON.stringify({ code: 1, message: 'Session ID unknown' }),
    isLast: false,
  },
  badRequest: {
    status: 400,
    body: JSON.stringify({ code: 3, message: 'Bad request' }),
    isLast: true,
  },
  /** Every gateway drains: there is no place for a new session. */
  draining: { status: 503, body: JSON.stringify({ message: 'Server draining' }), isLast: true },
  forbidden: { status: 403, body: JSON.stringify({ code: 4, message: 'Forbidden' }), isLast: true },
} as const satisfies Record<string, Refusal>

const STATUS_LINES = {
  400: '400 Bad Request',
  403: '403 Forbidden',
  414: '414 URI Too Long',
  429: '429 Too Many Requests',
  431: '431 Request Header Fields Too Large',
  503: '503 Service Unavailable',
} as const

export function refuseRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, isLast }: Refusal,
): void {
  // Read to its end for nobody, so that the next one on its connection starts where it should.
  request.unpipe()
  request.resume()
  if (response.headersSent) {
    response.destroy()
    return
  }
  const headers = { 'Content-Type': 'application/json', ...(isLast && { Connection: 'close' }) }
  response.writeHead(status, headers).end(body)
}

/** For a request that asked for an upgrade: its socket has no response object. */
export function refuseUpgrade(socket: Duplex, { status, body }: Refusal): void {
  // The peer may be gone already; there is nobody to tell then.
  socket.on('error', () => undefined)
  const head =
    `HTTP/1.1 ${STATUS_LINES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`
  socket.end(head + body, () => {
    socket.destroy()
  })
}
