import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { eventually } from './eventually.ts'
import { Journal } from './journal.ts'
import { channelPath } from './rest.ts'

export interface KeepAliveOptions {
  readonly url: string
  /** Begins the names of the senders. */
  readonly name: string
  readonly channels: readonly string[]
  readonly connections: number
  /** Each connection waits a random time up to this between two requests. */
  readonly maxPauseMs: number
  readonly headers?: Readonly<Record<string, string>>
}

interface Answer {
  readonly status: number
  readonly body: string
}

/**
 * Callers that each keep one connection alive and use it at random moments, reading and posting.
 *
 * They use a connection again as long as it is open and never try anything twice: a connection that
 * is closed under a request is a failure, as it is for a proxy that may not repeat a POST.
 */
export class KeepAliveLoad {
  readonly journals: readonly Journal[]
  /** Every request that was not answered with 2xx. */
  readonly failures: string[] = []
  readonly #options: KeepAliveOptions
  readonly #done: Promise<unknown>
  #answeredCount = 0
  #isOver = false

  constructor(options: KeepAliveOptions) {
    this.#options = options
    this.journals = Array.from(
      { length: options.connections },
      (_, index) => new Journal(`${options.name}-rest-${index}`),
    )
    this.#done = Promise.all(this.journals.map((journal) => this.#call(journal)))
  }

  get answeredCount(): number {
    return this.#answeredCount
  }

  /** Resolves when that many more requests were answered. */
  async more(count: number): Promise<void> {
    const goal = this.#answeredCount + count
    await eventually(() => this.#answeredCount >= goal, { what: `${count} more answers` })
  }

  /** Resolves when the last request is answered. */
  async finish(): Promise<void> {
    this.#isOver = true
    await this.#done
  }

  async #call(journal: Journal): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let number = 0; !this.#isOver; number += 1) {
      const what = number % 2 === 0 ? 'POST' : 'GET'
      try {
        await (what === 'POST' ? this.#post(agent, journal, number) : this.#read(agent, number))
        this.#answeredCount += 1
      } catch (error) {
        const at = new Date().toISOString()
        this.failures.push(`${at} ${what} ${number} of ${journal.name}: ${String(error)}`)
      }
      await delay(Math.random() * this.#options.maxPauseMs)
    }
    agent.destroy()
  }

  #channel(number: number): string {
    const { channels } = this.#options
    return channels[number % channels.length] ?? ''
  }

  async #read(agent: Agent, number: number): Promise<void> {
    await this.#send(agent, `${channelPath(this.#channel(number))}/details`)
  }

  async #post(agent: Agent, journal: Journal, number: number): Promise<void> {
    const channelId = this.#channel(number)
    const clientMessageId = `${journal.name}-${number}`
    const content = `${journal.name} #${number}`
    journal.record({ what: 'sent', channelId, clientMessageId, text: content })
    const body = JSON.stringify({
      author_id: journal.name,
      content,
      message_server_id: DEFAULT_SERVER_ID,
      messageId: clientMessageId,
    })
    const answer = await this.#send(agent, `${channelPath(channelId)}/messages`, body)
    const { data }: { readonly data: { readonly id: string; readonly seq: number } } = JSON.parse(
      answer.body,
    )
    const { id: messageId, seq } = data
    journal.record({ what: 'acked', via: 'rest', channelId, clientMessageId, messageId, seq })
  }

  async #send(agent: Agent, path: string, body?: string): Promise<Answer> {
    const method = body === undefined ? 'GET' : 'POST'
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        ...this.#options.headers,
        ...(body !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        }),
      }
      const sent = request(this.#options.url + path, { method, agent, headers }, resolve)
      sent.on('error', reject)
      sent.end(body)
    })
    const answer = { status: response.statusCode ?? 0, body: await text(response) }
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(`${answer.status} ${answer.body.slice(0, 200)}`)
    }
    return answer
  }
}
