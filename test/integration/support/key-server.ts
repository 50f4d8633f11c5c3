import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { JWK } from 'jose'

/** An issuer's key set on loopback, which may be taken down and put up again at the same address. */
export class KeyServer implements AsyncDisposable {
  keys: readonly JWK[] = []
  /** Answers in place of the keys; `undefined` never answers. */
  answer: (() => { readonly status: number; readonly body: string } | undefined) | undefined
  requestCount = 0
  #server: Server | undefined
  #port = 0

  get url(): string {
    return `http://127.0.0.1:${this.#port}/keys`
  }

  async up(): Promise<this> {
    const server = createServer((_request, response) => {
      this.requestCount += 1
      const answered = this.answer === undefined ? this.#keySet() : this.answer()
      if (answered === undefined) return
      response.writeHead(answered.status, {
        'content-type': 'application/json',
        connection: 'close',
      })
      response.end(answered.body)
    })
    await once(server.listen(this.#port, '127.0.0.1'), 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    this.#port = address.port
    this.#server = server
    return this
  }

  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down()
  }

  #keySet() {
    return { status: 200, body: JSON.stringify({ keys: this.keys }) }
  }
}
