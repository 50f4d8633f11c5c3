import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLOSE_CODES } from '../../src/protocol/close-codes.ts'
import { LIMITS } from '../../src/protocol/limits.ts'
import { Clients } from '../compat/support/clients.ts'
import { closeCode } from '../compat/support/close-code.ts'
import { Connection, readUntil } from './support/connection.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

const MAX_URL_BYTES = 256
const MAX_HEADER_BYTES = 4_096
/** Bounds that are no settings. */
const MAX_HEADER_FIELDS = 200
const MAX_PIPELINED = 64
const MAX_PACKETS = 4_096
const SEPARATOR = '\u001E'

const ENGINE = '/socket.io/?EIO=4&transport=polling'
const MESSAGES = '/api/messaging/channels/bounds/messages'
const HOST = 'Host: localhost\r\n'
const AND_CLOSE = 'Connection: close\r\n'

let server: TestServer
let pids: readonly number[]
beforeAll(async () => {
  server = await startServer({
    PARLEY_GATEWAYS: '2',
    PARLEY_MAX_URL_BYTES: String(MAX_URL_BYTES),
    PARLEY_MAX_HEADER_BYTES: String(MAX_HEADER_BYTES),
  })
  pids = (await server.processes()).map(({ pid }) => pid)
})
afterAll(async () => {
  expect((await server.processes()).map(({ pid }) => pid)).toEqual(pids)
  await server[Symbol.asyncDispose]()
})

/** Writes bytes over one connection; resolves with all that comes until the server ends it. */
function exchange(bytes: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

const statuses = (answer: string): string[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status ?? '')

const longer = (path: string, bytes: number): string => path + 'x'.repeat(bytes - path.length)

const enginePath = (bytes: number): string => longer(`${ENGINE}&x=`, bytes)

describe('a path with its query', () => {
  it('may be as long as is set; past it the answer is 414, and the connection ends', async () => {
    const at = longer('/healthz?q=', MAX_URL_BYTES)
    const past = longer(`${MESSAGES}?q=`, MAX_URL_BYTES + 1)
    const answer = await exchange(
      `GET ${at} HTTP/1.1\r\n${HOST}\r\nGET ${past} HTTP/1.1\r\n${HOST}\r\nGET /healthz HTTP/1.1\r\n${HOST}\r\n`,
    )
    expect(statuses(answer)).toEqual(['200', '414'])
    expect(answer).toContain('"code":"URL_TOO_LONG"')
    expect(answer).toContain(`${MAX_URL_BYTES + 1} bytes, at most ${MAX_URL_BYTES} are taken`)
  })

  it('is held to it on the way to a socket, too', async () => {
    const get = `HTTP/1.1\r\n${HOST}${AND_CLOSE}\r\n`
    expect(statuses(await exchange(`GET ${enginePath(MAX_URL_BYTES)} ${get}`))).toEqual(['200'])
    expect(statuses(await exchange(`GET ${enginePath(MAX_URL_BYTES + 1)} ${get}`))).toEqual(['414'])
    const upgrade = enginePath(MAX_URL_BYTES + 1).replace('polling', 'websocket')
    const answer = await exchange(
      `GET ${upgrade} HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    expect(statuses(answer)).toEqual(['414'])
  })
})

/** A request with so many header fields, of which the last is what is given. */
function withFields(fields: number, last = 'a:\r\n'): string {
  return `GET /api/server/ping HTTP/1.1\r\n${HOST}${AND_CLOSE}${'a:\r\n'.repeat(fields - 3)}${last}\r\n`
}

describe('the headers of a request', () => {
  it('may take as many bytes as are set, with the URL; past it the answer is 431, and the connection ends', async () => {
    const rest = ['/healthz', 'Host', 'localhost', 'Connection', 'close', 'X'].join('').length
    const get = (bytes: number): string =>
      `GET /healthz HTTP/1.1\r\n${HOST}${AND_CLOSE}X: ${'x'.repeat(bytes - rest)}\r\n\r\n`
    expect(statuses(await exchange(get(MAX_HEADER_BYTES)))).toEqual(['200'])
    expect(statuses(await exchange(get(MAX_HEADER_BYTES + 1)))).toEqual(['431'])
  })

  it('may be 200; past it the answer is 431, and the connection ends', async () => {
    expect(statuses(await exchange(withFields(MAX_HEADER_FIELDS)))).toEqual(['200'])
    const answer = await exchange(withFields(MAX_HEADER_FIELDS + 1) + withFields(3))
    expect(statuses(answer)).toEqual(['431'])
  })

  it('are all looked at: one that says that a proxy sent the request counts in the last place as well', async () => {
    const forwarded = 'X-Forwarded-For: 203.0.113.1\r\n'
    const answer = await exchange(withFields(MAX_HEADER_FIELDS, forwarded))
    expect(statuses(answer)).toEqual(['403'])
    // Node alone drops what is above 2,000 fields and would serve this one.
    expect(statuses(await exchange(withFields(2_010, forwarded)))).toEqual(['431'])
  })
})

describe('requests behind each other on one connection', () => {
  it('are answered up to 64 that wait; the next one is refused with 429, and the connection ends', async () => {
    const get = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`
    const at = await exchange(
      get.repeat(MAX_PIPELINED - 1) + get.replace('\r\n\r\n', `\r\n${AND_CLOSE}\r\n`),
    )
    expect(statuses(at)).toEqual(Array.from({ length: MAX_PIPELINED }, () => '200'))
    const past = await exchange(get.repeat(MAX_PIPELINED * 3))
    expect(statuses(past)).toEqual([...statuses(at), '429'])
  })
})

/** A message of so many bytes, of which most are a field that nobody knows. */
function bodyOf(bytes: number): string {
  const fields = { author_id: 'a', content: 'hi', unknown: '' }
  const unknown = 'x'.repeat(bytes - JSON.stringify(fields).length)
  return JSON.stringify({ ...fields, unknown })
}

const POST = `POST ${MESSAGES} HTTP/1.1\r\n${HOST}${AND_CLOSE}Content-Type: application/json\r\n`

const asChunks = (body: string): string =>
  `${POST}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
const withLength = (body: string): string => `${POST}Content-Length: ${body.length}\r\n\r\n${body}`
const expecting = (bytes: number): string =>
  `${POST}Expect: 100-continue\r\nContent-Length: ${bytes}\r\n\r\n`

describe('the body of a request', () => {
  it.each([
    ['with its length', withLength],
    ['in chunks', asChunks],
  ])('is taken up to 2 MiB and refused with 413 past it: %s', async (_name, framed) => {
    expect(statuses(await exchange(framed(bodyOf(LIMITS.maxBodyBytes))))).toEqual(['201'])
    // Read as it comes: the answer may be there before the body is, and the connection ends with it.
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(framed(bodyOf(LIMITS.maxBodyBytes + 1)))
    expect(await readUntil(socket, 'PAYLOAD_TOO_LARGE')).toMatch(/^HTTP\/1\.1 413 /)
    socket.destroy()
  })

  it('is asked for where the client waits for that, and not where it is too long', async () => {
    const body = bodyOf(100)
    const socket = connect(server.port, '127.0.0.1')
    socket.write(expecting(body.length))
    expect(await readUntil(socket, '\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write(body)
    expect(statuses(await text(socket))).toEqual(['201'])
    const refused = await exchange(expecting(LIMITS.maxBodyBytes + 1))
    expect(statuses(refused)).toEqual(['413'])
  })
})

/** A packet that is answered, of so many characters. */
function leaving(channelId: string, length: number): string {
  const packet = (pad: string): string => `2${JSON.stringify(['leave', { channelId, pad }])}`
  return packet('x'.repeat(length - packet('').length))
}

const pongs = (count: number): string => Array.from({ length: count }, () => '3').join(SEPARATOR)

/** What makes a CONNECT packet of so many characters. */
function handshake(length: number): { readonly entityId: string; readonly pad: string } {
  const rest = `0${JSON.stringify({ entityId: 'big', pad: '' })}`.length
  return { entityId: 'big', pad: 'x'.repeat(length - rest) }
}

describe('a socket', () => {
  it('may send a frame of a million bytes; past it the websocket is closed with 1009', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: 'framer', reconnection: false })
    const { engine } = client.socket.io
    // Engine.IO puts one character in front.
    engine.write(leaving('at', LIMITS.maxFrameBytes - 1))
    await client.saw('channel_left', { channelId: 'at' })
    const code = closeCode(client.socket)
    engine.write(leaving('past', LIMITS.maxFrameBytes))
    expect(await code).toBe(1009)
  })

  it('may send a polling body of a million bytes, past it 413', async () => {
    using connection = new Connection(server.url)
    const { path } = await connection.openSession()
    await connection.send('POST', path, '40')
    await connection.get(path)
    const at = await connection.send('POST', path, `4${leaving('at', LIMITS.maxFrameBytes - 1)}`)
    expect(at.status).toBe(200)
    expect((await connection.get(path)).body).toContain('channel_left')
    const past = await connection.send('POST', path, `4${leaving('past', LIMITS.maxFrameBytes)}`)
    expect(past.status).toBe(413)
  })

  it('may put 4,096 packets into a polling body; past it its session is no more', async () => {
    using connection = new Connection(server.url)
    const { path } = await connection.openSession()
    await connection.send('POST', path, '40')
    await connection.get(path)
    expect((await connection.send('POST', path, pongs(MAX_PACKETS))).status).toBe(200)
    expect((await connection.send('POST', path, pongs(MAX_PACKETS))).status).toBe(200)
    await connection.send('POST', path, `4${leaving('still', 100)}`)
    expect((await connection.get(path)).body).toContain('channel_left')
    await connection.send('POST', path, pongs(MAX_PACKETS + 1))
    const gone = await connection.get(path)
    expect(gone).toMatchObject({ status: 400, body: expect.stringContaining('Session ID unknown') })
  })

  it('may bring a handshake as large as the headers of a request; past it the websocket is closed with 4300', async () => {
    await using clients = new Clients(server.url)
    await clients.connect({ auth: handshake(MAX_HEADER_BYTES) })
    const auth = handshake(MAX_HEADER_BYTES + 1)
    const refused = clients.dial({ auth, reconnection: false })
    expect(await closeCode(refused.socket)).toBe(CLOSE_CODES.PROTOCOL_VIOLATED)
  })
})
