import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { mannerOf } from './workers/manners.ts'
import type { Manner } from './workers/manners.ts'

interface Call {
  readonly type: string
  readonly data: { readonly message?: { readonly id: string; readonly text: string } }
}

/** The secret of the agent, as Standard Webhooks has it. */
export const HOOK_SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`

const frame = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`

async function tell({ parts, pauseMs, fault }: Manner, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const [index, part] of parts.entries()) {
    if (response.destroyed) return
    if (fault === 'breaks' && index > parts.length / 2) {
      response.destroy()
      return
    }
    response.write(frame('chunk', JSON.stringify({ text: part })))
    await delay(pauseMs)
  }
  response.end(frame('done', ''))
}

/** An agent over HTTP, in this process, which nobody kills: it does about each message what its manners say. */
export class Hook implements AsyncDisposable {
  readonly #server: Server
  readonly #met = new Set<string>()

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response)
    })
  }

  static async open(): Promise<Hook> {
    const hook = new Hook()
    hook.#server.listen(0, '127.0.0.1')
    await once(hook.#server, 'listening')
    return hook
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Whoever called may be gone by now.
    const body = await text(request).catch(() => '')
    const { data }: Partial<Call> = body === '' ? {} : JSON.parse(body)
    if (data?.message === undefined) response.writeHead(204).end()
    else await this.#say(data.message, response)
  }

  async #say(
    { id, text: question }: { readonly id: string; readonly text: string },
    response: ServerResponse,
  ): Promise<void> {
    const manner = mannerOf('Hook', question)
    const isFirst = !this.#met.has(id)
    this.#met.add(id)
    if (isFirst && manner.fault === 'throws-once') response.writeHead(500).end()
    else if (manner.says === 'nothing') response.writeHead(204).end()
    else if (manner.says === 'stream') await tell(manner, response)
    else {
      const answer = JSON.stringify({ text: manner.parts.join('') })
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
    }
  }
}
