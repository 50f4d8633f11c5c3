import { Agent, request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { answerUnknownSession } from './unknown-session.ts'

/** Headers that belong to one hop (RFC 9110, 7.6.1); the next hop has its own. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** Idle connections kept to each other gateway; more that are in use are opened as needed. */
const MAX_IDLE_SOCKETS = 64

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase())
  const dropped = new Set([...HOP_BY_HOP, ...named])
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)))
}

function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers
  return encoding !== undefined || (length !== undefined && length !== '0')
}

/** Reads a request to its end for nobody, so that the next one on its connection starts where it should. */
function discardRest(request: IncomingMessage): void {
  request.unpipe()
  request.resume()
}

/** Passes requests on to other gateways over their Unix sockets, over connections that are kept alive. */
export class RequestForwarder {
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS })

  /**
   * Streams a request there and its response back. Whoever aborts aborts the other side too; a
   * gateway that is gone, before or in mid-request, is answered with "Session ID unknown".
   */
  forward(request: IncomingMessage, response: ServerResponse, socketPath: string): void {
    const upstream = httpRequest({
      socketPath,
      method: request.method,
      path: request.url,
      headers: endToEnd(request.headers),
      agent: this.#agent,
    })
    upstream.on('response', (answer) => {
      this.#answer(answer, response)
    })
    // Refused, reset, or a Unix socket that is no more: its sessions died with the gateway.
    upstream.on('error', () => {
      discardRest(request)
      if (!response.writableEnded) answerUnknownSession(response)
    })
    response.on('close', () => {
      if (!response.writableFinished) upstream.destroy()
    })
    this.#send(request, upstream)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(request: IncomingMessage, upstream: ClientRequest): void {
    // An aborted request ends its response too, which destroys upstream; here it only must not throw.
    request.on('error', () => undefined)
    if (hasBody(request)) request.pipe(upstream)
    else upstream.end()
  }

  #answer(answer: IncomingMessage, response: ServerResponse): void {
    if (response.headersSent || response.destroyed) {
      answer.destroy()
      return
    }
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers))
    answer.pipe(response)
    // Cut short: so is ours, or the client would wait for the rest.
    answer.on('error', () => {
      response.destroy()
    })
  }
}
