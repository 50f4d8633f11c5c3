import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { Webhook } from 'standardwebhooks'
import type { HostList } from '../../util/addresses.ts'
import { checkTarget } from './check-target.ts'
import type { WebhookLimits } from './limits.ts'
import { Lookups } from './lookups.ts'
import type { HostAddress, Resolve } from './lookups.ts'
import { Patience } from './patience.ts'
import { WebhookError } from './webhook-error.ts'

export interface WebhookCallerOptions {
  readonly allow: HostList
  readonly limits: WebhookLimits
  /** The system's when absent. */
  readonly resolve?: Resolve
  /** Certificates of authorities, beside Node's own, in PEM. */
  readonly ca?: string
}

export interface WebhookCall {
  readonly url: string
  readonly secret: string
  /** The same for every attempt. */
  readonly id: string
  readonly body: string
  readonly signal: AbortSignal
}

/** An answer whose body is still to come. */
export interface WebhookAnswer {
  readonly response: IncomingMessage
  readonly patience: Patience
}

/** Connects to the addresses that were checked, whatever the name's are by now. */
function lookupIn(addresses: readonly HostAddress[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses
    if (all === true) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
}

/** A connection that was kept, and that the other side closed just when it was used again. */
const isStale = (request: ClientRequest, error: unknown): boolean =>
  request.reusedSocket && error instanceof Error && 'code' in error && error.code === 'ECONNRESET'

/**
 * Calls agents over HTTP: signed as Standard Webhooks says, to checked addresses alone, no redirect followed.
 *
 * Connections are kept for a while: such a one leads to an address that was checked when it was opened.
 */
export class WebhookCaller {
  readonly #options: WebhookCallerOptions
  readonly #lookups: Lookups
  readonly #http: HttpAgent
  readonly #https: HttpsAgent

  constructor(options: WebhookCallerOptions) {
    this.#options = options
    const { limits, resolve, ca } = options
    this.#lookups = new Lookups(limits.maxLookups, resolve)
    const pool = {
      keepAlive: true,
      maxSockets: limits.maxConnectionsPerHost,
      maxTotalSockets: limits.maxConnections,
      timeout: limits.idleConnectionMs,
    }
    this.#http = new HttpAgent(pool)
    this.#https = new HttpsAgent({ ...pool, ...(ca !== undefined && { ca }) })
  }

  /**
   * Calls once and takes the answer, until `take` is through. Its failures are `take`'s, the signal's reason, or a
   * `WebhookError`.
   */
  async call(call: WebhookCall, take: (answer: WebhookAnswer) => Promise<void>): Promise<void> {
    const patience = new Patience(call.signal, this.#options.limits.maxSilenceMs)
    const response = await this.#answerTo(call, patience)
    try {
      await take({ response, patience })
    } finally {
      // What is not read is for nobody, and may never end.
      if (!response.readableEnded) response.destroy()
    }
  }

  /** Ends all connections. */
  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  async #answerTo(call: WebhookCall, patience: Patience): Promise<IncomingMessage> {
    const url = new URL(call.url)
    const { allow } = this.#options
    const resolve: Resolve = (hostname) => this.#lookups.resolve(hostname)
    const addresses = await patience.until(checkTarget(url, { allow, resolve }))
    const send = () => this.#send({ call, url, signal: patience.signal }, addresses)
    const sent = send()
    try {
      return await patience.until(sent.answered)
    } catch (error) {
      if (patience.signal.aborted || !isStale(sent.request, error)) throw failureOf(url, error)
    }
    return patience.until(send().answered).catch((error: unknown) => {
      throw failureOf(url, error)
    })
  }

  #send(
    { call, url, signal }: { call: WebhookCall; url: URL; signal: AbortSignal },
    addresses: readonly HostAddress[],
  ) {
    const isSecure = url.protocol === 'https:'
    const { body } = call
    const options: RequestOptions = {
      method: 'POST',
      agent: isSecure ? this.#https : this.#http,
      lookup: lookupIn(addresses),
      signal,
      headers: {
        accept: 'application/json, text/event-stream',
        'accept-encoding': 'identity',
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'Parley',
        ...signatureOf(call),
      },
    }
    const request = (isSecure ? httpsRequest : httpRequest)(url, options)
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', (response) => {
        // Cut short, also while nobody reads it; whoever does is told by the read.
        response.on('error', () => undefined)
        resolve(response)
      })
      // Also behind the answer, where whoever reads it hears of it.
      request.on('error', reject)
      // It ends without a word where the answer is a change of protocol, which nobody asked for.
      request.once('close', () => {
        reject(new WebhookError(`${url.host} closed the connection without an answer`))
      })
    })
    request.end(body)
    return { request, answered }
  }
}

/** The time is the attempt's: receivers refuse what is older than minutes. */
function signatureOf({ id, secret, body }: WebhookCall): Readonly<Record<string, string>> {
  const now = new Date()
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, now, body),
  }
}

function failureOf(url: URL, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  return new WebhookError(
    `${url.host} could not be reached: ${error.message || String(error.code)}`,
    {
      cause: error,
    },
  )
}
