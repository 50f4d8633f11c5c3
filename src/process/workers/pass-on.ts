import { request as httpRequest } from 'node:http'
import type {
  Agent,
  ClientRequest,
  IncomingMessage,
  OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http'
import { BodyTooLarge } from '../../gateway/http/errors.ts'
import { ChannelError } from '../../protocol/errors.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { codeOf } from '../error-facts.ts'
import { hasBody } from '../gateway/body-framing.ts'
import { endToEnd, requestHeaders } from '../gateway/forward-request.ts'
import type { AgentHosts } from './agent-hosts.ts'
import type { Refuse } from './refuse.ts'

export interface PassOnOptions {
  readonly hosts: AgentHosts
  readonly refuse: Refuse
  readonly agent: Agent
  readonly trustProxy: number
  readonly answerTimeoutMs: number
}

/** Nobody listens there any more: the request has not begun, and another host may have it. */
const NOT_THERE: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED'])

/** What the host is told: the client's headers, and by whom it was asked, as a proxy says it. */
function headersFor(request: IncomingMessage, trustProxy: number): OutgoingHttpHeaders {
  const { remoteAddress = '' } = request.socket
  const before = trustProxy > 0 ? request.headers['x-forwarded-for'] : undefined
  const way = before === undefined ? remoteAddress : `${String(before)}, ${remoteAddress}`
  return { ...requestHeaders(request, undefined), 'x-forwarded-for': way }
}

/**
 * Streams a request to an agent host and the response back, each as fast as its reader reads.
 *
 * Every request gets one answer: the worker's, or why there is none. Whoever goes away takes the other
 * side along. What the host sends is parsed as HTTP and framed anew, so nothing that a worker answers
 * reaches into the next response on the client's connection.
 */
export function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  options: PassOnOptions,
): void {
  new Passage(request, response, options).begin()
}

class Passage {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #options: PassOnOptions
  readonly #tried = new Set<string>()
  #upstream: ClientRequest | undefined
  #timer: NodeJS.Timeout | undefined
  #isAnswered = false

  constructor(request: IncomingMessage, response: ServerResponse, options: PassOnOptions) {
    this.#request = request
    this.#response = response
    this.#options = options
  }

  begin(): void {
    this.#timer = setTimeout(() => {
      this.#refuse('WORKER_TIMEOUT')
    }, this.#options.answerTimeoutMs)
    // An aborted request ends its response too; here it only must not throw.
    this.#request.on('error', () => undefined)
    this.#response.on('close', () => {
      this.#isAnswered = true
      clearTimeout(this.#timer)
      // Answered before it was read: the rest is for nobody, and may never come.
      if (!this.#response.writableFinished || !this.#request.complete) this.#upstream?.destroy()
    })
    this.#countBody()
    this.#tryNext()
  }

  #tryNext(): void {
    const host = this.#options.hosts.pick(this.#tried)
    if (host === undefined) {
      this.#refuse('WORKER_UNAVAILABLE')
      return
    }
    this.#tried.add(host.id)
    const upstream = httpRequest({
      socketPath: host.socketPath,
      method: this.#request.method,
      path: this.#request.url,
      headers: headersFor(this.#request, this.#options.trustProxy),
      agent: this.#options.agent,
    })
    this.#upstream = upstream
    upstream.on('response', (answer) => {
      this.#answer(answer)
    })
    upstream.on('error', (error) => {
      this.#failed(error)
    })
    // Nothing of the body is taken before somebody is there to have it.
    upstream.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => this.#send(upstream))
      else this.#send(upstream)
    })
  }

  #send(upstream: ClientRequest): void {
    if (hasBody(this.#request)) this.#request.pipe(upstream)
    else upstream.end()
  }

  #countBody(): void {
    if (!hasBody(this.#request)) return
    let bytes = 0
    const count = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > LIMITS.maxBodyBytes) this.#end(new BodyTooLarge())
    }
    // Listening makes a stream flow: it is to stand until it is piped.
    this.#request.on('data', count)
    this.#request.pause()
  }

  #failed(error: unknown): void {
    if (this.#isAnswered) {
      this.#request.unpipe().resume()
      return
    }
    if (NOT_THERE.has(codeOf(error))) this.#tryNext()
    else this.#refuse('WORKER_LOST')
  }

  #refuse(code: ErrorCode): void {
    this.#end(new ChannelError(code))
  }

  /** Ends both sides; in mid-response the client's connection is cut, which tells it that something is missing. */
  #end(error: ChannelError): void {
    if (this.#response.writableEnded) return
    this.#isAnswered = true
    clearTimeout(this.#timer)
    this.#options.refuse(this.#request, this.#response, error)
    this.#upstream?.destroy()
  }

  #answer(answer: IncomingMessage): void {
    clearTimeout(this.#timer)
    if (this.#response.headersSent || this.#response.destroyed) {
      answer.destroy()
      return
    }
    const { statusCode = 0 } = answer
    // Changes of protocol are not passed on: nobody asked for one.
    if (statusCode < 200) {
      this.#refuse('WORKER_LOST')
      return
    }
    this.#isAnswered = true
    this.#response.writeHead(statusCode, endToEnd(answer.headers))
    // A stream may have nothing to say for a while, and its reader waits for the head.
    this.#response.flushHeaders()
    answer.pipe(this.#response)
    // Cut short: so is ours, or the client would wait for the rest.
    answer.on('error', () => {
      this.#response.destroy()
    })
  }
}
