import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import * as fc from 'fast-check'
import type { Api, Operation } from './api.ts'
import { attempts, idIn, ofSchema } from './from-schema.ts'
import type { Ground } from './from-schema.ts'
import { words } from './nasty.ts'
import { bytesOf, write } from './written.ts'

export interface RestCall {
  readonly operation: Operation
  readonly method: string
  /** Path and query as they go over the wire, a character for each byte. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  /** Likewise. */
  readonly body: string | undefined
}

export interface RestAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

const hex = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`

/** Ways to bring a text into a URL, from the right one to those that decoders differ about. */
const ENCODINGS: readonly ((text: string) => string)[] = [
  (text) => bytesOf(text).replaceAll(/[^A-Za-z0-9._~-]/g, hex),
  (text) => bytesOf(text).replaceAll(/[\s\S]/g, hex),
  // Twice.
  (text) => bytesOf(text).replaceAll(/[^A-Za-z0-9._~-]/g, (one) => hex(one).replace('%', '%25')),
  // As it is, as far as a request line can carry it.
  (text) => bytesOf(text).replaceAll(/[^\x21-\x7E\x80-\xFF]|[?#]/g, ''),
]

const encoding = fc.oneof(
  { weight: 8, arbitrary: fc.constant(ENCODINGS[0] ?? bytesOf) },
  { weight: 1, arbitrary: fc.constantFrom(...ENCODINGS) },
)

const encoded = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(text, encoding).map(([value, encode]) => encode(value).slice(0, 12_000))

/** The path with something in the place of its parameters; mostly ids. */
function pathOf({ path, parameters }: Operation, ground: Ground): fc.Arbitrary<string> {
  const value = encoded(
    fc.oneof({ weight: 5, arbitrary: idIn(ground) }, { weight: 1, arbitrary: words }),
  )
  const names = parameters.filter((one) => one.in === 'path').map(({ name }) => name)
  return fc
    .tuple(...names.map(() => value))
    .map((values) =>
      names.reduce(
        (whole, name, index) => whole.replace(`{${name}}`, () => values[index] ?? ''),
        path,
      ),
    )
}

function queryOf({ parameters }: Operation, ground: Ground): fc.Arbitrary<string> {
  const usual = parameters
    .filter((one) => one.in === 'query')
    .map(({ name, schema }) =>
      fc.tuple(
        fc.constant(name),
        encoded(
          fc.oneof(
            ofSchema(schema, ground).map((value) => write(value).replaceAll('"', '')),
            fc.constantFrom('-1', '1e309', '9007199254740993', 'NaN', '2026-01-02', '0x1', ''),
            words,
          ),
        ),
      ),
    )
  const strange = fc.tuple(encoded(words), encoded(words))
  const pairs = fc.array(fc.oneof(...usual, strange), { maxLength: usual.length === 0 ? 1 : 4 })
  return pairs.map((all) =>
    all.length === 0 ? '' : `?${all.map(([name, value]) => `${name}=${value}`).join('&')}`,
  )
}

const STRANGE_HEADERS: readonly Readonly<Record<string, string>>[] = [
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/x-www-form-urlencoded' },
  { 'content-type': 'multipart/form-data' },
  { 'content-type': 'application/json; charset=utf-16' },
  { 'content-encoding': 'gzip' },
  { 'x-http-method-override': 'DELETE' },
  { accept: 'text/html', 'accept-encoding': 'gzip, br' },
  { range: 'bytes=0-1', 'if-none-match': '*' },
  { cookie: '__proto__=1; token=x' },
  { ['__proto__']: 'x', constructor: 'y' },
  { 'x-entity-id': '../../x' },
  { connection: 'close' },
  { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJhZG1pbiJ9.' },
  { authorization: 'Bearer ..' },
  { authorization: `Bearer ${'a.'.repeat(2_000)}` },
  { authorization: 'Basic YTpi', 'x-api-key': '\u00FF' },
  { 'user-agent': '${jndi:ldap://x}\u00FF' },
  { 'x-long': 'x'.repeat(7_000) },
  { 'x-too-long': 'x'.repeat(20_000) },
]

/** What one may ask of a route: by its description, beside it, and against it. */
export function restCalls(
  api: Api,
  ground: Ground,
  identity: Readonly<Record<string, string>>,
): fc.Arbitrary<RestCall> {
  const calls = api.operations.map((operation) => {
    const body = operation.body === undefined ? fc.constant(undefined) : bodyOf(operation, ground)
    return fc.record({
      operation: fc.constant(operation),
      method: fc.oneof(
        { weight: 30, arbitrary: fc.constant(operation.method) },
        { weight: 1, arbitrary: fc.constantFrom('HEAD', 'PUT', 'OPTIONS', 'TRACE', 'PROPFIND') },
      ),
      target: fc
        .tuple(pathOf(operation, ground), queryOf(operation, ground))
        .map(([path, query]) => path + query),
      headers: headersOf(identity),
      body,
    })
  })
  return fc.oneof(...calls)
}

/** Mostly as clients send them. */
function headersOf(
  identity: Readonly<Record<string, string>>,
): fc.Arbitrary<Readonly<Record<string, string>>> {
  const usual = { 'content-type': 'application/json', ...identity }
  const strange = STRANGE_HEADERS.map((headers) => Object.assign({}, usual, headers))
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...strange) },
  )
}

function bodyOf({ body = {} }: Operation, ground: Ground): fc.Arbitrary<string | undefined> {
  return fc.option(attempts(body, ground).map(write), { nil: undefined, freq: 30 })
}

/** Sends calls over connections that are kept alive, as clients do. */
export class RestSender implements Disposable {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 })

  constructor(url: string) {
    this.#url = url
  }

  async send({ method, target, headers, body }: Omit<RestCall, 'operation'>): Promise<RestAnswer> {
    const { hostname, port } = new URL(this.#url)
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const payload = body === undefined ? undefined : Buffer.from(body, 'latin1')
      const length = payload === undefined ? {} : { 'content-length': payload.length }
      const sent = request(
        {
          hostname,
          port,
          method,
          path: target,
          headers: { ...headers, ...length },
          agent: this.#agent,
          timeout: 20_000,
        },
        resolve,
      )
      sent.on('error', reject)
      sent.on('timeout', () => sent.destroy(new Error('no answer in 20 s')))
      sent.end(payload)
    })
    const bytes = await buffer(response)
    return { status: response.statusCode ?? 0, headers: response.headers, text: bytes.toString() }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}
