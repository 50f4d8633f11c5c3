import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectToDifferentGateways, openForeignSocket, readUntil } from './support/connection.ts'
import type { Session } from './support/connection.ts'
import { answersOf } from './support/raw-http.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

const DEFAULT_SERVER = '00000000-0000-0000-0000-000000000000'
const BAD_REQUEST = { code: 3, message: 'Bad request' }
const FORBIDDEN = { code: 4, message: 'Forbidden' }

/** A request that creates a channel, to be hidden in the body of another. */
function hidden(): string {
  const body = JSON.stringify({
    name: 'smuggled',
    type: 'GROUP',
    message_server_id: DEFAULT_SERVER,
    participantCentralUserIds: [],
  })
  return (
    'POST /api/messaging/channels HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  )
}

const chunked = (body: string): string =>
  `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`

describe('a request for a session of another gateway', () => {
  let server: TestServer
  let session: Session
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2' })
    const [one] = await connectToDifferentGateways(server.url, 1)
    if (one === undefined) throw new Error('no gateway')
    session = one.session
    one.connection[Symbol.dispose]()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** Writes bytes to another gateway than the session's; resolves with all that comes until the end. */
  async function exchange(bytes: string): Promise<string> {
    const socket = await openForeignSocket(server.port, session)
    socket.write(bytes)
    return text(socket)
  }

  async function channelNames(): Promise<readonly string[]> {
    const response = await fetch(
      `${server.url}/api/messaging/message-servers/${DEFAULT_SERVER}/channels`,
    )
    const { data } = (await response.json()) as {
      readonly data: { readonly channels: readonly { readonly name: string }[] }
    }
    return data.channels.map(({ name }) => name)
  }

  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT', 'PATCH'])(
    'is refused with its connection when it brings a body: %s',
    async (method) => {
      const inner = hidden()
      const start = `${method} ${session.path} HTTP/1.1\r\nHost: localhost\r\n`
      const framings = [
        chunked(inner),
        `Content-Length: ${inner.length}\r\n\r\n${inner}`,
        `Connection: content-length\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
      ]
      for (const framing of framings) {
        const answer = await exchange(`${start}${framing}GET /healthz HTTP/1.1\r\n\r\n`)
        expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400'])
        if (method !== 'HEAD') expect(answer).toContain(JSON.stringify(BAD_REQUEST))
      }
      expect(await channelNames()).not.toContain('smuggled')
    },
  )

  it('is refused where it arrives when it comes from another site, whatever its Connection says', async () => {
    for (const header of ['Origin: https://example.org', 'X-Forwarded-For: 203.0.113.1']) {
      const name = header.split(':')[0] ?? ''
      for (const method of ['GET', 'POST']) {
        const answer = await exchange(
          `${method} ${session.path} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n` +
            `Connection: close, ${name}\r\nContent-Length: 0\r\n\r\n`,
        )
        expect(answer).toMatch(/^HTTP\/1\.1 403 /)
        expect(answer).toContain(JSON.stringify(FORBIDDEN))
      }
    }
    const answer = await exchange(
      `GET ${session.path.replace('polling', 'websocket')} HTTP/1.1\r\nHost: example.org\r\n` +
        'Connection: Upgrade, Host\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 403 /)
  })

  it.each([
    ['both framings', 'Content-Length: 4\r\nTransfer-Encoding: chunked'],
    ['both, the other way round', 'Transfer-Encoding: chunked\r\nContent-Length: 4'],
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 4'],
    ['a list of lengths', 'Content-Length: 2, 4'],
    ['a length with a sign', 'Content-Length: +2'],
    ['a length in hexadecimal', 'Content-Length: 0x2'],
    ['a length below zero', 'Content-Length: -1'],
    ['a length that no number holds', 'Content-Length: 18446744073709551618'],
    ['a space before the colon', 'Transfer-Encoding : chunked'],
    ['an encoding that is none', 'Transfer-Encoding: xchunked'],
    ['an encoding after chunked', 'Transfer-Encoding: chunked, identity'],
    ['chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'],
    ['a folded header', 'Transfer-Encoding:\r\n chunked'],
    ['a vertical tab', 'Transfer-Encoding:\u000Bchunked'],
    ['a bare line feed', 'X: y\nTransfer-Encoding: chunked'],
    ['a bare carriage return', 'X: y\rTransfer-Encoding: chunked'],
    ['a header hidden in a name', 'Content-Length\r\n: 4\r\nTransfer-Encoding: chunked'],
  ])('leads no other request through with %s', async (_what, framing) => {
    const inner = hidden()
    for (const body of [`2\r\n40\r\n0\r\n\r\n${inner}`, `40${inner}`, `0\r\n\r\n${inner}`]) {
      const socket = await openForeignSocket(server.port, session)
      const { statuses } = await answersOf(
        socket,
        `POST ${session.path} HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n\r\n${body}`,
      )
      // Refused by the parser, at once and with the connection.
      expect(statuses).toEqual([400])
    }
    expect(await channelNames()).not.toContain('smuggled')
  })

  it.each([
    ['a length that is not hexadecimal', 'xyz\r\n'],
    ['a length with a sign', '-2\r\n40\r\n'],
    ['a length that no number holds', 'fffffffffffffffff\r\n40\r\n'],
    ['more than its length', '2\r\n4040\r\n0\r\n\r\n'],
    ['a bare line feed behind its length', '2\n40\r\n0\r\n\r\n'],
  ])('leads no other request through a chunk of %s', async (_what, chunks) => {
    const socket = await openForeignSocket(server.port, session)
    const { statuses } = await answersOf(
      socket,
      `POST ${session.path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}${hidden()}`,
    )
    expect(statuses).toEqual([400])
    expect(await channelNames()).not.toContain('smuggled')
  })

  it('is carried whole when it is a chunked POST', async () => {
    const socket = await openForeignSocket(server.port, session)
    socket.write(`POST ${session.path} HTTP/1.1\r\nHost: localhost\r\n${chunked('40')}`)
    expect(await readUntil(socket, 'ok')).toMatch(/^HTTP\/1\.1 200 /)
    socket.write(`GET ${session.path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    expect(await readUntil(socket, '}')).toContain('40{"sid"')
    socket.destroy()
  })

  it('finds Engine.IO and nothing else on the sockets between gateways', async () => {
    const directory = path.join(server.dataDir, 'sockets')
    const sockets = (await readdir(directory)).filter((name) => name.startsWith('gateway-'))
    expect(sockets).toHaveLength(2)
    for (const name of sockets) {
      const socketPath = path.join(directory, name)
      for (const url of ['/api/server/ping', '/healthz', '/', '//socket.io/', '/socket.iox/']) {
        expect((await get(socketPath, url)).statusCode).toBe(404)
      }
      const answer = await get(socketPath, '/socket.io/?EIO=4&transport=polling&sid=AAAAAAAA.x')
      expect(await text(answer)).toContain('Session ID unknown')
    }
  })
})

function get(socketPath: string, url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path: url, headers: { host: 'localhost' } }, resolve)
      .on('error', reject)
      .end()
  })
}
