import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readUntil } from '../../../cluster/support/connection.ts'
import { RequestForwarder } from '../../../../src/process/gateway/forward-request.ts'

interface Seen {
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const INNER = 'POST /api/secret HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi'

describe('a forwarded request', () => {
  let directory: string
  let front: Server
  let back: Server
  let forwarder: RequestForwarder
  let seen: Seen[]
  /** By which the sender is counted. */
  let address: string | undefined

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'parley-forward-'))
    const path = join(directory, 's.sock')
    seen = []
    address = undefined
    forwarder = new RequestForwarder(() => address)
    // As between gateways: an idle connection stays.
    back = createServer({ keepAliveTimeout: 0 }, (request, response) => {
      void answer(request, response)
    })
    front = createServer((request, response) => {
      forwarder.forward(request, response, path)
    })
    await Promise.all([
      once(back.listen(path), 'listening'),
      once(front.listen(0, '127.0.0.1'), 'listening'),
    ])
  })
  afterEach(async () => {
    forwarder.close()
    front.closeAllConnections()
    back.closeAllConnections()
    await Promise.all([once(front.close(), 'close'), once(back.close(), 'close')])
    rmSync(directory, { recursive: true })
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url !== '/early') {
      const body = await text(request)
      seen.push({ method: request.method, headers: request.headers, body })
    }
    response.end('{}')
  }

  const open = (): Socket => connect((front.address() as AddressInfo).port, '127.0.0.1')

  /** Resolves when the head of an answer has come. */
  async function exchange(request: string): Promise<void> {
    const socket = open()
    socket.write(request)
    await readUntil(socket, '\r\n\r\n')
    socket.destroy()
  }

  it.each(['GET', 'DELETE', 'OPTIONS', 'HEAD', 'POST'])(
    'has its body framed, so that none is taken for another request: %s',
    async (method) => {
      const length = INNER.length
      const framings = [
        `Transfer-Encoding: chunked\r\n\r\n${length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`,
        `Content-Length: ${length}\r\n\r\n${INNER}`,
        `Connection: content-length\r\nContent-Length: ${length}\r\n\r\n${INNER}`,
      ]
      for (const framing of framings) {
        await exchange(`${method} /engine HTTP/1.1\r\nHost: localhost\r\n${framing}`)
        // Over the same connection, so whatever was left on it comes before.
        await exchange('GET /after HTTP/1.1\r\nHost: localhost\r\n\r\n')
      }
      const bodies = seen.map((one) => [one.method, one.body])
      expect(bodies).toEqual(
        framings.flatMap(() => [
          [method, INNER],
          ['GET', ''],
        ]),
      )
    },
  )

  it('keeps what says whom it is for and from, whatever its Connection header names', async () => {
    const kept = {
      host: 'example.org',
      origin: 'https://example.org',
      authorization: 'Bearer b',
      cookie: 'c=1',
      'x-api-key': 'k',
      'x-forwarded-for': '203.0.113.1',
      'x-forwarded-host': 'example.org',
      'x-real-ip': '203.0.113.1',
      forwarded: 'for=203.0.113.1',
    }
    const lines = Object.entries(kept).map(([name, value]) => `${name}: ${value}\r\n`)
    const named = Object.keys(kept).join(', ').toUpperCase()
    await exchange(
      `GET / HTTP/1.1\r\n${lines.join('')}x-hop: 1\r\nConnection: ${named}, x-hop\r\n\r\n`,
    )
    expect(seen[0]?.headers).toMatchObject(kept)
    expect(seen[0]?.headers).not.toHaveProperty('x-hop')
  })

  it("says whose it is in this gateway's words alone, whatever the client says", async () => {
    const forge = 'X-Parley-Client-Address: 198.51.100.66\r\n'
    const hide = 'Connection: x-parley-client-address\r\n'
    for (const known of ['203.0.113.9', undefined]) {
      address = known
      for (const headers of [forge, `${forge}${forge}`, `${forge}${hide}`, hide, '']) {
        await exchange(`GET /engine HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`)
        expect(seen.at(-1)?.headers['x-parley-client-address']).toBe(known)
      }
    }
  })

  it('that is answered before it was read is cut upstream, and its client stays in step', async () => {
    const cut = new Promise<void>((resolve) => {
      back.once('connection', (upstream) => {
        upstream.once('close', () => resolve())
      })
    })
    const socket = open()
    socket.write('POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf')
    expect(await readUntil(socket, '{}')).toMatch(/^HTTP\/1\.1 200 /)
    await cut
    socket.write(`${INNER.padEnd(996)}PUT /after HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    expect(await readUntil(socket, '{}')).toMatch(/^HTTP\/1\.1 200 /)
    expect(seen.map(({ method }) => method)).toEqual(['PUT'])
    socket.destroy()
  })
})
