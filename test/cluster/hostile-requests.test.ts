import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ENGINE_WEBSOCKET, upgradeBytes } from '../fuzz/support/raw-web-socket.ts'
import { Connection } from './support/connection.ts'
import { within } from './support/deadline.ts'
import { exchange, head } from './support/raw-http.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { expectUnharmed, pidsOf } from './support/unharmed.ts'

const LOCAL = 'Host: localhost'

let server: TestServer
let pids: readonly number[]
/** Dripping from the start, since what ends them takes its time. */
let drippers: readonly Dripper[]

/** Sends the head of a request, a byte at a time, and never comes to its end. */
class Dripper implements Disposable {
  readonly #socket: Socket
  readonly #stop = new AbortController()
  /** Milliseconds until the server ended it. */
  readonly endedAfterMs: Promise<number>

  constructor(port: number, start: string) {
    const startedMs = performance.now()
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('error', () => undefined)
    this.#socket.resume()
    this.#socket.write(start)
    this.endedAfterMs = new Promise((resolve) => {
      this.#socket.once('close', () => {
        resolve(performance.now() - startedMs)
      })
    })
    void this.#drip()
  }

  async #drip(): Promise<void> {
    const { signal } = this.#stop
    const isOver = (): boolean => signal.aborted || this.#socket.destroyed
    while (!isOver()) {
      await delay(200, undefined, { signal }).catch(() => undefined)
      if (!isOver()) this.#socket.write('x')
    }
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
    this.#socket.destroy()
  }
}

beforeAll(async () => {
  server = await startServer({ PARLEY_GATEWAYS: '2', PARLEY_AGENT_HOSTS: '0' })
  pids = await pidsOf(server)
  const starts = [
    'GET /',
    'GET /healthz HTTP/1.1\r\nX-Slow: ',
    `POST /socket.io/?EIO=4 HTTP/1.1\r\n${LOCAL}\r\nX: `,
  ]
  drippers = Array.from(
    { length: 30 },
    (_, index) => new Dripper(server.port, starts[index % 3] ?? ''),
  )
})

afterAll(async () => {
  for (const dripper of drippers) dripper[Symbol.dispose]()
  await expectUnharmed(server, pids)
  await server[Symbol.asyncDispose]()
})

/** The ways in: each with what the refused and the let-in get. */
const DOORS: readonly {
  readonly name: string
  readonly bytes: (headers: readonly string[]) => string
}[] = [
  { name: 'REST', bytes: (headers) => head('GET /api/messaging/channels HTTP/1.1', headers) },
  { name: 'the description', bytes: (headers) => head('GET /openapi.json HTTP/1.1', headers) },
  {
    name: 'a new polling session',
    bytes: (headers) => head('GET /socket.io/?EIO=4&transport=polling HTTP/1.1', headers),
  },
  {
    name: 'a WebSocket',
    bytes: (headers) => upgradeBytes({ path: ENGINE_WEBSOCKET, headers: [...headers] }),
  },
]

/** Engine.IO refuses an upgrade with 400, whatever the reason. */
const REFUSED = [400, 403]

const FOREIGN_HOSTS = [
  'evil.example',
  'evil.example:3000',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'localhost@evil.example',
  'evil.example#localhost',
  'localhost, evil.example',
  '0.0.0.0',
  '[::]',
  '10.0.0.1',
  '2130706433',
  '0x7f000001',
  '',
]

const FOREIGN_ORIGINS = [
  'https://evil.example',
  'null',
  'http://localhost.evil.example',
  'http://localhost@evil.example',
  'http://evil.example/http://localhost',
  'http://localhost, https://evil.example',
  'file://',
  'chrome-extension://abcdef',
  '',
]

const FORWARDED = [
  'Forwarded: for=127.0.0.1',
  'X-Forwarded-For: 127.0.0.1',
  'X-Forwarded-Host: localhost',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Anything: 1',
  'X-Real-IP: 127.0.0.1',
  'x-forwarded-for:',
]

describe('in open mode, a request that says it is from elsewhere', () => {
  describe.each(DOORS)('at $name', ({ bytes }) => {
    it('is refused, whatever name was rebound to this machine', async () => {
      for (const host of FOREIGN_HOSTS) {
        const { statuses, text } = await exchange(server.port, bytes([`Host: ${host}`]))
        expect(statuses, `Host ${host}: ${text}`).toEqual([expect.toBeOneOf(REFUSED)])
      }
    })

    it('is refused, whatever page it comes from', async () => {
      for (const origin of FOREIGN_ORIGINS) {
        const { statuses, text } = await exchange(server.port, bytes([LOCAL, `Origin: ${origin}`]))
        expect(statuses, `Origin ${origin}: ${text}`).toEqual([expect.toBeOneOf(REFUSED)])
        expect(text).not.toMatch(/access-control-allow-credentials/i)
      }
      const twice = bytes([LOCAL, 'Origin: http://localhost', 'Origin: https://evil.example'])
      expect((await exchange(server.port, twice)).statuses).toEqual([expect.toBeOneOf(REFUSED)])
    })

    it('is refused, whatever proxy it says it came through', async () => {
      for (const header of FORWARDED) {
        const { statuses, text } = await exchange(server.port, bytes([LOCAL, header]))
        expect(statuses, `${header}: ${text}`).toEqual([expect.toBeOneOf(REFUSED)])
      }
    })

    it('is refused with two Hosts, or with none', async () => {
      // Node reads the first of two.
      const two = await exchange(server.port, bytes(['Host: evil.example', LOCAL]))
      expect(two.statuses, two.text).toEqual([expect.toBeOneOf(REFUSED)])
      const none = bytes([LOCAL]).replace(`${LOCAL}\r\n`, '').replace('HTTP/1.1', 'HTTP/1.0')
      const { statuses, text } = await exchange(server.port, none)
      expect(statuses, text).toEqual([expect.toBeOneOf(REFUSED)])
    })
  })

  it('is let in at all doors when it says it is from this machine', async () => {
    for (const host of ['localhost', 'LOCALHOST:3000', '127.0.0.1', '[::1]:80', 'app.localhost']) {
      for (const { name, bytes } of DOORS.filter((door) => door.name !== 'a WebSocket')) {
        const headers = [`Host: ${host}`, 'Origin: http://127.0.0.1:5173']
        expect((await exchange(server.port, bytes(headers))).statuses, `${name} ${host}`).toEqual([
          200,
        ])
      }
    }
  })

  it('is not let into a session that another opened', async () => {
    using connection = new Connection(server.url)
    const session = await connection.openSession()
    for (const header of [
      'Host: evil.example',
      `${LOCAL}\r\nOrigin: https://evil.example`,
      `${LOCAL}\r\n${FORWARDED[1]}`,
    ]) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const { statuses } = await exchange(
          server.port,
          head(`${method} ${session.path} HTTP/1.1`, header.split('\r\n')),
        )
        expect(statuses).toEqual([403])
      }
      const upgrade = upgradeBytes({
        path: session.path.replace('polling', 'websocket'),
        headers: header.split('\r\n'),
      })
      expect((await exchange(server.port, upgrade)).statuses).toEqual([403])
    }
    expect((await connection.send('POST', session.path, '40')).status).toBe(200)
  })
})

describe('a path that leaves its folder', () => {
  const PATHS = [
    '/docs/../../package.json',
    '/docs/..%2f..%2fpackage.json',
    '/docs/..%2F..%2F..%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd',
    '/docs/%2e%2e/%2e%2e/package.json',
    '/docs/%252e%252e%252f%252e%252e%252fetc%252fpasswd',
    '/docs/..\\..\\package.json',
    '/docs/..%5c..%5cpackage.json',
    '/docs/....//....//package.json',
    '/docs//etc/passwd',
    '/docs/%c0%ae%c0%ae/%c0%ae%c0%ae/package.json',
    '/docs/%uff0e%uff0e/package.json',
    '/docs/swagger-ui.css/../../main.js',
    '/docs/swagger-ui.css%00.js',
    '/docs/init.js%00/../../main.js',
    '/docs/swagger-ui-bundle.js/',
    '//etc/passwd',
    '/etc/passwd',
    '/.env',
    '/api/../.env',
    '/data/parley.db',
    '/package.json',
    '/socket.io/../package.json',
    '/socket.io/socket.io.js/../../package.json',
    'http://localhost/docs/../../package.json',
    'file:///etc/passwd',
    '/docs/\xC0\xAE\xC0\xAE/package.json',
  ]

  it.each(PATHS)('leads nowhere: %s', async (target) => {
    const { statuses, text } = await exchange(server.port, head(`GET ${target} HTTP/1.1`, [LOCAL]))
    expect(statuses, text).toEqual([expect.toBeOneOf([400, 404])])
    expect(text).not.toMatch(/root:|"parley"|SQLite format/)
  })
})

describe('heads of requests that drip in a byte at a time', () => {
  it('hold up nobody, and are ended within the time for a head and a look at it', async () => {
    using connection = new Connection(server.url)
    expect((await connection.get('/healthz')).status).toBe(200)
    for (const { endedAfterMs } of drippers) {
      const after = await within(endedAfterMs, () => 'the end of a head that drips')
      // 10 s for a head; looked at every 5 s.
      expect(after).toBeGreaterThan(9_000)
    }
    expect((await connection.get('/healthz')).status).toBe(200)
  })
})
