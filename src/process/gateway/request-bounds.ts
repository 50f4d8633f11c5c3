import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { errorReply } from '../../gateway/http/errors.ts'
import { ChannelError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { refuseRequest, refuseUpgrade } from './refusals.ts'
import type { Refusal } from './refusals.ts'

/** Header fields of one request; browsers behind three proxies send about forty. Past it: 431. */
const MAX_HEADER_FIELDS = 200

/**
 * Requests under way on one connection, unanswered ones behind each other. Past it: 429, behind which the
 * connection ends. Browsers have one; what comes in one read is parsed at once and could be 1,500.
 */
const MAX_PIPELINED_REQUESTS = 64

export interface RequestBounds {
  /** Bytes of the path with its query. Past it: 414. */
  readonly maxUrlBytes: number
}

function inWords(error: ChannelError, url: string, status: Refusal['status']): Refusal {
  return { status, body: JSON.stringify(errorReply(error, url).json), isLast: true }
}

function refusalOf(request: IncomingMessage, { maxUrlBytes }: RequestBounds): Refusal | undefined {
  const { url = '/', rawHeaders } = request
  // Node hands the bytes of a request line out as latin1: a byte a character.
  if (url.length > maxUrlBytes) {
    const text = `The path and query are too long: ${url.length} bytes, at most ${maxUrlBytes} are taken.`
    return inWords(new ChannelError('URL_TOO_LONG', text), url, 414)
  }
  const fields = rawHeaders.length / 2
  if (fields > MAX_HEADER_FIELDS) {
    const message = `Too many header fields: ${fields}, at most ${MAX_HEADER_FIELDS} are taken.`
    return { status: 431, body: JSON.stringify({ message }), isLast: true }
  }
  return undefined
}

/** Counts the requests under way of each connection. */
class Pipelines {
  readonly #counts = new WeakMap<Socket, number>()

  /** Whether the request is to be served, refused, or is behind one that was refused. */
  enter(
    { socket, url = '/' }: IncomingMessage,
    response: ServerResponse,
  ): Refusal | 'served' | 'late' {
    const count = (this.#counts.get(socket) ?? 0) + 1
    this.#counts.set(socket, count)
    if (count > MAX_PIPELINED_REQUESTS + 1) return 'late'
    if (count > MAX_PIPELINED_REQUESTS) {
      const text = `More than ${MAX_PIPELINED_REQUESTS} requests wait on one connection.`
      return inWords(new ChannelError('RATE_LIMITED', text), url, 429)
    }
    response.once('close', () => {
      this.#counts.set(socket, (this.#counts.get(socket) ?? 1) - 1)
    })
    return 'served'
  }
}

/**
 * Holds requests to their bounds before anything else looks at them: the length of the URL, the number of
 * header fields, and how many wait on one connection. (The bytes of the headers are Node's own bound.)
 *
 * It puts itself in front of the listeners that the server has when it is called.
 */
export function boundRequests(server: Server, bounds: RequestBounds): void {
  const requestListeners = server.listeners('request')
  const upgradeListeners = server.listeners('upgrade')
  const pipelines = new Pipelines()

  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    const place = pipelines.enter(request, response)
    // The connection ends before its answer could be written.
    if (place === 'late') return
    const refusal = place === 'served' ? refusalOf(request, bounds) : place
    if (refusal !== undefined) refuseRequest(request, response, refusal)
    else for (const listener of requestListeners) listener.call(server, request, response)
  })
  server.removeAllListeners('upgrade')
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refusalOf(request, bounds)
    if (refusal !== undefined) refuseUpgrade(socket, refusal)
    else for (const listener of upgradeListeners) listener.call(server, request, socket, head)
  })
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // Nobody is told to go on with a body that is refused.
    const isTaken = Number(request.headers['content-length'] ?? 0) <= LIMITS.maxBodyBytes
    if (isTaken) response.writeContinue()
    server.emit('request', request, response)
  })
}
