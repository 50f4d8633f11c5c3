import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

/** What an agent is called with, verified. */
export interface Called {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly event: Event
}

interface Event {
  readonly type: string
  readonly timestamp: string
  readonly data: {
    /** Absent where somebody joined. */
    readonly message?: { readonly id: string; readonly text: string }
    readonly channel: { readonly id: string }
    readonly agent: { readonly id: string; readonly name: string }
    readonly event?: object
  }
}

type Answer = (response: ServerResponse, called: Called) => void

export const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`

/** Answers JSON. */
export const json =
  (value: unknown, status = 200): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }

/** Answers an event stream of these events, and ends it. */
export const events =
  (...lines: readonly string[]): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(lines.join(''))
  }

export const event = (name: string, data: unknown): string =>
  `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** A real HTTP server that is an agent: it verifies each call with the library, and answers as it is told. */
export class WebhookAgent implements AsyncDisposable {
  readonly calls: Called[] = []
  /** Of calls whose connection was closed before the answer's end. */
  lostCount = 0
  answer: Answer = (response) => response.writeHead(204).end()
  readonly #server: Server
  readonly #onChange: () => void

  constructor(server: Server, onChange: () => void) {
    this.#server = server
    this.#onChange = onChange
    server.on('request', (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('close', () => {
        if (!response.writableFinished) this.lostCount += 1
        this.#onChange()
      })
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString()
        this.#take(response, { headers: request.headers, body })
      })
    })
  }

  get url(): string {
    const { port }: AddressInfo = JSON.parse(JSON.stringify(this.#server.address()))
    return `http://127.0.0.1:${port}/hook?a=b`
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #take(response: ServerResponse, { headers, body }: Omit<Called, 'event'>): void {
    const verified = new Webhook(SECRET).verify(body, {
      'webhook-id': String(headers['webhook-id']),
      'webhook-timestamp': String(headers['webhook-timestamp']),
      'webhook-signature': String(headers['webhook-signature']),
    })
    const parsed: Event = JSON.parse(JSON.stringify(verified))
    const called = { headers, body, event: parsed }
    this.calls.push(called)
    this.#onChange()
    this.answer(response, called)
  }
}

/** @param onChange told of every call, and when its connection is through with it. */
export async function startWebhookAgent(
  onChange: () => void = () => undefined,
): Promise<WebhookAgent> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return new WebhookAgent(server, onChange)
}
