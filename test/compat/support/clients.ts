import { connect, dial } from './client.ts'
import type { Client, ConnectOptions } from './client.ts'

/** Connections tried before a test gives up on meeting the gateway it wants. */
const MAX_TRIES = 60

/** The connections of one test; all are closed when it ends. */
export class Clients implements AsyncDisposable {
  readonly #url: string
  readonly #open: Client[] = []

  constructor(url: string) {
    this.#url = url
  }

  async connect(options: ConnectOptions = {}): Promise<Client> {
    return this.#keep(await connect(this.#url, options))
  }

  dial(options: ConnectOptions = {}): Client {
    return this.#keep(dial(this.#url, options))
  }

  /** Two connections that are served by different gateways. */
  async pair(first: ConnectOptions = {}, second: ConnectOptions = {}): Promise<[Client, Client]> {
    const one = await this.connect(first)
    return [one, await this.connectWhere((gateway) => gateway !== one.gateway, second)]
  }

  /** A connection to a gateway of the test's choice; connects until it meets one. */
  async connectWhere(
    isWanted: (gateway: string) => boolean,
    options: ConnectOptions = {},
  ): Promise<Client> {
    const unwanted: Client[] = []
    try {
      for (let tried = 0; tried < MAX_TRIES; tried += 1) {
        const client = await connect(this.#url, options)
        if (isWanted(client.gateway)) return this.#keep(client)
        // Kept open meanwhile, so that the next one goes to another gateway more likely.
        unwanted.push(client)
      }
      throw new Error(`none of ${MAX_TRIES} connections met the wanted gateway`)
    } finally {
      for (const client of unwanted) client.socket.disconnect()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map((client) => client[Symbol.asyncDispose]()))
  }

  #keep(client: Client): Client {
    this.#open.push(client)
    return client
  }
}
