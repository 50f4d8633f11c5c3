import { Agent, request as httpRequest } from 'node:http'
import type {
  ClientRequest,
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http'
import { isForwardingHeader } from '../../gateway/auth.ts'
import { CLIENT_ADDRESS_HEADER } from '../../gateway/client-address.ts'
import { framingOf, hasBody } from './body-framing.ts'
import { REFUSALS, refuseRequest } from './refusals.ts'

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

/** What says whom a request is for and from: a client's `Connection` header cannot take it away. */
const KEPT = new Set(['authorization', 'content-length', 'cookie', 'host', 'origin', 'x-api-key'])

/** Idle connections kept to each other gateway; more that are in use are opened as needed. */
const MAX_IDLE_SOCKETS = 64

/** The headers that are meant for whoever answers, and not for this connection alone. */
export function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => !KEPT.has(name) && !isForwardingHeader(name))
  const dropped = new Set([...HOP_BY_HOP, ...named])
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)))
}

/**
 * A length that is not kept as the framing must not stand beside it. The client's address is said by this
 * gateway alone, whatever the client says about it.
 */
export function requestHeaders(
  request: IncomingMessage,
  address: string | undefined,
): OutgoingHttpHeaders {
  const {
    'content-length': _length,
    [CLIENT_ADDRESS_HEADER]: _address,
    ...headers
  } = endToEnd(request.headers)
  return {
    ...headers,
    ...(address !== undefined && { [CLIENT_ADDRESS_HEADER]: address }),
    ...framingOf(request),
  }
}

/** Passes requests on to other gateways over their Unix sockets, over connections that are kept alive. */
export class RequestForwarder {
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS })
  readonly #addressOf: (request: IncomingMessage) => string | undefined

  /** `addressOf` tells by which address the sender of a request is counted. */
  constructor(addressOf: (request: IncomingMessage) => string | undefined) {
    this.#addressOf = addressOf
  }

  /**
   * Streams a request there and its response back. Whoever aborts aborts the other side too; a
   * gateway that is gone, before or in mid-request, is answered with "Session ID unknown".
   */
  forward(request: IncomingMessage, response: ServerResponse, socketPath: string): void {
    const upstream = httpRequest({
      socketPath,
      method: request.method,
      path: request.url,
      headers: requestHeaders(request, this.#addressOf(request)),
      agent: this.#agent,
    })
    upstream.on('response', (answer) => {
      this.#answer(answer, response)
    })
    // Refused, reset, or a Unix socket that is no more: its sessions died with the gateway.
    upstream.on('error', () => {
      if (response.writableEnded) request.unpipe().resume()
      else refuseRequest(request, response, REFUSALS.unknownSession)
    })
    response.on('close', () => {
      // Answered before it was read: the rest is for nobody, and may never come.
      if (!response.writableFinished || !request.complete) upstream.destroy()
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
