import { lstat, readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FrameKind } from '../../src/ipc/frame-kinds.ts'
import { encodeFrame } from '../../src/ipc/frames.ts'
import { LINK_PROTOCOL_VERSION } from '../../src/ipc/hello.ts'
import { Clients } from '../compat/support/clients.ts'
import { openProbe } from '../fuzz/support/held.ts'
import type { Probe } from '../fuzz/support/held.ts'
import { openRawClient } from '../fuzz/support/raw-client.ts'
import { bytesOf } from '../fuzz/support/written.ts'
import { within } from './support/deadline.ts'
import { exchange, head } from './support/raw-http.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { pidsOf } from './support/unharmed.ts'

/** Bytes that the writer may hold more of after it has dropped everybody. */
const MAX_GROWTH_BYTES = 8_000_000

let probe: Probe
let server: TestServer
let pids: readonly number[]
let writerPath: string

beforeAll(async () => {
  probe = await openProbe()
  server = await startServer({
    PARLEY_GATEWAYS: '2',
    PARLEY_AGENT_HOSTS: '0',
    PARLEY_LOG_LEVEL: 'trace',
    ...probe.environment,
  })
  pids = await pidsOf(server)
  writerPath = path.join(server.dataDir, 'sockets', 'writer.sock')
})

afterAll(async () => {
  expect(await pidsOf(server)).toEqual(pids)
  expect(server.process.stderr).toBe('')
  await server[Symbol.asyncDispose]()
  await probe[Symbol.asyncDispose]()
})

/** A connection to the writer; what the writer answers, and that it ends it, may come at any time. */
class Stranger implements Disposable {
  readonly #socket: Socket
  /** Resolves when the writer has ended it. */
  readonly dropped: Promise<unknown>

  constructor() {
    this.#socket = connect(writerPath)
    this.#socket.on('error', () => undefined)
    this.#socket.resume()
    this.dropped = new Promise((resolve) => {
      this.#socket.once('close', resolve)
    })
  }

  write(bytes: string | Uint8Array): this {
    this.#socket.write(bytes)
    return this
  }

  hello(fields: object): this {
    const hello = { protocol: LINK_PROTOCOL_VERSION, role: 'gateway', id: 'stranger', ...fields }
    return this.write(encodeFrame(FrameKind.HELLO, JSON.stringify(hello)))
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

async function isDropped(say: (stranger: Stranger) => void): Promise<void> {
  using stranger = new Stranger()
  say(stranger)
  await within(stranger.dropped, () => 'the end of a stranger')
}

/** Everything works: over both gateways, through the writer. */
async function converse(): Promise<void> {
  await using clients = new Clients(server.url)
  const [one, two] = await clients.pair({ entityId: 'one' }, { entityId: 'two' })
  await Promise.all([one.join('commons'), two.join('commons')])
  const text = `after all that, ${Math.random()}`
  expect(await one.send('commons', text)).toMatchObject({ channelId: 'commons' })
  await two.saw('messageBroadcast', { text })
}

describe('a foreign process', () => {
  it('of another user cannot reach the sockets: their folder and the data are private', async () => {
    const directory = path.join(server.dataDir, 'sockets')
    expect((await lstat(directory)).mode & 0o077).toBe(0)
    const names = await readdir(directory)
    expect(names.filter((name) => /^(?:writer|gateway-)/.test(name))).toHaveLength(3)
  })

  it('that says no hello is dropped', async () => {
    // All at once: what they wait for is the time-out for a hello.
    await Promise.all(Array.from({ length: 200 }, () => isDropped(() => undefined)))
    await converse()
  })

  it.each<[string, (stranger: Stranger) => unknown]>([
    ['an HTTP request', (one) => one.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['a hello that is no JSON', (one) => one.write(encodeFrame(FrameKind.HELLO, '{"protocol":'))],
    ['a hello that is no object', (one) => one.write(encodeFrame(FrameKind.HELLO, 'null'))],
    ['a hello without an id', (one) => one.hello({ id: undefined })],
    ['a hello of numbers', (one) => one.hello({ role: 7, id: {} })],
    ['a hello of another version', (one) => one.hello({ protocol: LINK_PROTOCOL_VERSION + 1 })],
    ['a hello that is too long', (one) => one.hello({ id: 'x'.repeat(5_000) })],
    ['a frame before its hello', (one) => one.write(encodeFrame(FrameKind.LOG_APPEND, '[1,{}]'))],
    ['a refusal', (one) => one.write(encodeFrame(FrameKind.REFUSED, 'no'))],
    ['noise without end', (one) => flood(one, Buffer.alloc(1_000_000, 0xff))],
    ['a hello, and a length of 4 GB', (one) => one.hello({}).write(Buffer.alloc(5, 0xff))],
    ['a hello, and an unknown kind', (one) => one.hello({}).write(encodeFrame(250, 'x'))],
    ['a hello, and another hello', (one) => one.hello({}).hello({})],
    [
      'a hello, and broken JSON',
      (one) => one.hello({}).write(encodeFrame(FrameKind.LOG_APPEND, '[1,')),
    ],
    [
      'a hello, and a follow of nothing',
      (one) => one.hello({}).write(encodeFrame(FrameKind.LOG_FOLLOW, 'null')),
    ],
    [
      'a hello, and presence of nobody',
      (one) => one.hello({}).write(encodeFrame(FrameKind.PRESENCE_CHANGES, '7')),
    ],
    ['a hello, and noise', (one) => flood(one.hello({}), Buffer.alloc(1_000_000, 0x20))],
  ])('that says %s is dropped, and the writer goes on', async (_what, say) => {
    await isDropped(say)
    await converse()
  })

  it('leaves nothing behind in the writer', async () => {
    const [pid = 0] = await server.pids('writer')
    const before = await probe.ask(pid)
    for (let round = 0; round < 20; round += 1) {
      const some = Array.from({ length: 20 }, (_, index) => {
        const isPolite = index % 2 === 0
        return isDropped((one) =>
          flood(isPolite ? one.hello({ id: `s-${index}` }) : one, Buffer.alloc(1_000_000, 0xee)),
        )
      })
      await Promise.all(some)
    }
    const after = await probe.ask(pid)
    expect(after.heldBytes).toBeLessThan(before.heldBytes + MAX_GROWTH_BYTES)
    expect(after.files).toBeLessThanOrEqual(before.files + 2)
    expect(after.handles).toBeLessThanOrEqual(before.handles + 2)
    await converse()
  })
})

function flood(stranger: Stranger, bytes: Buffer): void {
  for (let count = 0; count < 16; count += 1) stranger.write(bytes)
}

describe('a line of the log', () => {
  const FORGED = '\n{"level":60,"time":0,"pid":1,"role":"primary","msg":"forged"}\n'
  const NASTY = [
    FORGED,
    `\r${FORGED}`,
    '\u001B[2J\u001B[1;31mred',
    '"},"msg":"forged","x":{"',
    '\u2028\u2029\u0085',
  ]

  it('stays one line of JSON, whatever clients and strangers call themselves and ask for', async () => {
    for (const nasty of NASTY) {
      const coded = encodeURIComponent(nasty)
      using client = await openRawClient(server.port, {
        path: `/socket.io/?EIO=4&transport=websocket&name=${coded}`,
        auth: { entityId: 'injector' },
        headers: [`User-Agent: ${nasty.replaceAll(/[^\x20-\x7E]/g, ' ')}`],
      })
      for (const event of ['error', 'join', 'send_message', nasty]) {
        const payload = { channelId: nasty, senderName: nasty, message: nasty, entityId: nasty }
        expect(await client.ask(bytesOf(JSON.stringify([event, payload])))).toContain('"code"')
      }
      await isDropped((one) => one.hello({ protocol: 0, role: nasty, id: nasty }))
      await isDropped((one) => one.hello({ role: nasty, id: nasty }).write(encodeFrame(250, nasty)))
      for (const target of [
        `/${coded}`,
        `/api/messaging/channels/${coded}/messages?limit=${coded}`,
      ]) {
        await exchange(
          server.port,
          head(`GET ${target} HTTP/1.1`, ['Host: localhost', `X-Name: ${coded}`]),
        )
      }
    }
    await converse()
    // The reader of the lines marks those that are no JSON.
    expect(server.lines.filter(({ msg }) => msg === 'half a line')).toEqual([])
    expect(
      server.lines.filter(({ msg, pid }) => msg === 'forged' || !pids.includes(Number(pid))),
    ).toEqual([])
    const refused = server.lines.filter(({ msg }) => msg === 'link refused')
    expect(new Set(refused.map(({ role }) => role))).toEqual(new Set(['writer']))
    expect(refused.map(({ peerRole }) => peerRole)).toEqual(expect.arrayContaining([...NASTY]))
  })

  it('says what it says to those who read it over the wire, too', async () => {
    const response = await fetch(`${server.url}/api/server/logs?limit=500`)
    const { logs } = (await response.json()) as {
      readonly logs: readonly { readonly msg: string }[]
    }
    expect(logs.length).toBeGreaterThan(0)
    expect(logs.filter(({ msg }) => msg === 'forged')).toEqual([])
  })
})
