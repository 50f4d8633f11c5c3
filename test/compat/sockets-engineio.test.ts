import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { asPayload, WAIT_MS } from './support/client.ts'
import { Bindings } from './support/socket-bindings.ts'
import { loadExchanges } from './support/socket-golden.ts'
import type { Exchange } from './support/socket-golden.ts'

const SEPARATOR = '\u001E'
const OPEN = /^0(?=\{)/
const CONNECT = /^40(?=\{)/
const EVENT = /^42(?=\[)/

/** One Engine.IO packet as kind and content. */
function parse(packet: string): [kind: string, content: unknown] {
  for (const kind of [OPEN, CONNECT, EVENT]) {
    if (kind.test(packet)) return [kind.source, JSON.parse(packet.replace(kind, ''))]
  }
  return ['other', packet]
}

const nameOf = (event: unknown): unknown => (Array.isArray(event) ? event[0] : undefined)

/** Raw Engine.IO over HTTP against one server; session and socket ids are learned on the way. */
class Wire {
  readonly #url: string
  readonly #bindings = new Bindings()

  constructor(url: string) {
    this.#url = url
  }

  async request(exchange: Exchange): Promise<Response> {
    const [method = '', path = ''] = exchange.http.split(' ')
    return fetch(this.#url + this.#bindings.translate(path), {
      method,
      signal: AbortSignal.timeout(WAIT_MS),
      ...(exchange.headers === undefined ? {} : { headers: exchange.headers }),
      ...(exchange.send === undefined ? {} : { body: exchange.send }),
    })
  }

  /** Polls until everything that was recorded came; more may come with it. */
  async poll(exchange: Exchange): Promise<void> {
    const missing = String(exchange.body).split(SEPARATOR).map(parse)
    while (missing.length > 0) {
      const response = await this.request(exchange)
      expect(response.status, exchange.http).toBe(200)
      const packets = (await response.text()).split(SEPARATOR).map(parse)
      for (const packet of packets) this.#take(packet, missing)
    }
  }

  /** Compares a packet with the next recorded one of its kind and name. */
  #take([kind, content]: [string, unknown], missing: [string, unknown][]): void {
    const index = missing.findIndex(
      ([wantedKind, wanted]) => wantedKind === kind && nameOf(wanted) === nameOf(content),
    )
    const [wanted] = missing.splice(index, index < 0 ? 0 : 1)
    if (wanted === undefined) return
    this.#learn(wanted[1], content)
    expect({ packet: content }).toMatchObject({
      packet: this.#bindings.resolve(wanted[1], content),
    })
  }

  #learn(recorded: unknown, actual: unknown): void {
    if (typeof recorded !== 'object' || recorded === null || !('sid' in recorded)) return
    this.#bindings.bind(String(recorded.sid), asPayload(actual).sid)
  }
}

const isForeign = ({ headers }: Exchange): boolean => headers?.origin !== undefined

const isPolled = ({ http, status, body }: Exchange): boolean =>
  http.startsWith('GET') && status === 200 && typeof body === 'string' && /^(?:0|4[02])/.test(body)

describe('e01: Engine.IO over plain HTTP answers as the real server did', () => {
  let server: TestServer
  let wire: Wire
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '3' })
    wire = new Wire(server.url)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const exchanges = loadExchanges('e01-engineio-http')
  const numbered = exchanges
    .filter((exchange) => !isForeign(exchange))
    .map((exchange, index) => ({ index, name: exchange.http, exchange }))

  // One conversation: each step needs the ones before it.
  it.each(numbered)('$index: $name', async ({ exchange }) => {
    if (isPolled(exchange)) {
      await wire.poll(exchange)
      return
    }
    const response = await wire.request(exchange)
    expect(response.status).toBe(exchange.status)
    expect(response.headers.get('content-type')).toBe(exchange.contentType)
    const text = await response.text()
    if (exchange.body === '__script__') expect(text).toMatch(/^\/\*!\n \* Socket\.IO v4/)
    else if (typeof exchange.body === 'string') expect(text).toBe(exchange.body)
    else expect(JSON.parse(text)).toEqual(exchange.body)
  })

  it('allows any origin on this machine, never with credentials', async () => {
    const response = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`, {
      headers: { origin: 'http://localhost:5173' },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
    await response.text()
  })

  it('refuses what the real server allowed: a page of another site, in open mode', async () => {
    for (const exchange of exchanges.filter(isForeign)) {
      if (exchange.http.startsWith('OPTIONS')) continue
      const response = await wire.request(exchange)
      expect(response.status).toBe(403)
      expect(await response.text()).not.toContain('sid')
    }
  })
})
