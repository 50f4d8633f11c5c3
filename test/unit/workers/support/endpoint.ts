import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A request as the endpoint got it. */
export interface Asked {
  readonly path: string
  readonly authorization: string | undefined
  readonly body: {
    readonly model: string
    readonly stream: boolean
    readonly messages: readonly { readonly role: string; readonly content: string }[]
  }
}

/** Writes an answer; it may take its time. */
export type Answer = (response: ServerResponse) => void | Promise<void>

const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`

/** One event with more of the text. */
export const delta = (content: string): string =>
  event({ choices: [{ index: 0, delta: { content } }] })

/** What an endpoint streams: comments and empty parts among the text, as real ones do. */
export const streamed =
  (...parts: readonly string[]): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': keep-alive\n\n')
    response.write(event({ choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] }))
    for (const part of parts) response.write(delta(part))
    response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }))
    response.write(event({ choices: [], usage: { total_tokens: 3 } }))
    response.end('data: [DONE]\n\n')
  }

/** An answer that begins, and goes on until the other side closes. */
export const endless =
  (first: string): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(delta(first))
  }

/** Speaks the protocol of OpenAI's chat completions on a port of its own. */
export class Endpoint implements AsyncDisposable {
  readonly asked: Asked[] = []
  /** How the next requests are answered. */
  answer: Answer = streamed('hello')
  /** Requests whose other side closed before the answer was whole. */
  hungUp = 0
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response))
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get host(): string {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** As `ASSISTANT_URL` has it. */
  get url(): string {
    return `http://${this.host}/v1`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('close', () => {
      if (!response.writableFinished) this.hungUp += 1
    })
    const { url: path = '', headers } = request
    const body: Asked['body'] = JSON.parse(await text(request))
    this.asked.push({ path, authorization: headers.authorization, body })
    await this.answer(response)
  }
}
