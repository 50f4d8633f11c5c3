import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PATIENTLY } from '../compat/support/client.ts'
import { Clients } from '../compat/support/clients.ts'
import { openProbe } from '../fuzz/support/held.ts'
import type { Probe } from '../fuzz/support/held.ts'
import { openRawClient } from '../fuzz/support/raw-client.ts'
import { Opcode, openRawWebSocket } from '../fuzz/support/raw-web-socket.ts'
import { Connection } from './support/connection.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { expectUnharmed, pidsOf } from './support/unharmed.ts'

const HASTEN = pathToFileURL(path.join(import.meta.dirname, 'support/hasten.mjs')).href

/** A frame of Engine.IO's bound, and the least that is above it. */
const MAX_FRAME_BYTES = 1_000_000

/** More than a conversation needs, and what every machine can pass tenfold. */
const EVENTS_PER_SECOND = 100

const sending = (text: string): string =>
  `["send_message",${JSON.stringify({ channelId: 'large', message: text })}]`

/** Bytes that two looks at the same process may differ by. */
const MAX_NOISE_BYTES = 3_000_000
const MAX_NOISE_HANDLES = 8

async function connectionsOf(server: TestServer): Promise<number> {
  const processes = await server.processes()
  return processes.reduce((sum, one) => sum + one.connections, 0)
}

describe('a connection whose client only seems to be there, or is there too much', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({
      PARLEY_GATEWAYS: '1',
      PARLEY_AGENT_HOSTS: '0',
      PARLEY_EVENTS_PER_SECOND: String(EVENTS_PER_SECOND),
      NODE_OPTIONS: `--import=${HASTEN}`,
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('is closed when it answers no ping, and one that does stays', async () => {
    await using clients = new Clients(server.url)
    const lively = await clients.connect({ entityId: 'lively' })
    const texts: string[] = []
    using silent = await openRawWebSocket(server.port, (text, web) => {
      texts.push(text)
      // Connects, and never says a word again.
      if (text.startsWith('0{')) web.send('40')
    })
    await silent.ended
    expect(texts.at(-1)).toBe('2')
    await expect.poll(() => connectionsOf(server), PATIENTLY).toBe(1)
    await lively.roundTrip()
    expect(lively.socket.connected).toBe(true)
    expect(lively.all('disconnect')).toEqual([])
  })

  it('is closed when it never connects to the namespace', async () => {
    using idle = await openRawWebSocket(server.port, (text, web) => {
      if (text === '2') web.send('3')
    })
    await idle.ended
  })

  it('is closed when it left and does not come back, and stays when it does', async () => {
    using gone = await openRawClient(server.port, { auth: { entityId: 'gone' } })
    using back = await openRawClient(server.port, { auth: { entityId: 'back' } })
    gone.web.send('41')
    back.web.send('41')
    await back.web.settled()
    back.web.send('40{"entityId":"back"}')
    await gone.ended
    expect(await back.ask('["leave",{"channelId":"anywhere"}]')).toContain('anywhere')
  })

  it('and floods is refused, then closed with 4101, and its neighbour is acknowledged all the while', async () => {
    await using clients = new Clients(server.url)
    const stranger = await clients.connect({ entityId: 'stranger' })
    await stranger.join('quiet')
    const codes: string[] = []
    using flooder = await openRawClient(server.port, { auth: { entityId: 'flooder' } }, (packet) =>
      codes.push(/"code":"(\w+)"/.exec(packet)?.[1] ?? 'none'),
    )
    let floods = 0
    while (flooder.isOpen && floods < 100) {
      floods += 1
      for (let index = 0; index < 1_000; index += 1) {
        flooder.web.send('42["send_message",{"channelId":"loud","message":"flood"}]')
      }
      expect(await stranger.send('quiet', `${floods}`)).toMatchObject({ channelId: 'quiet' })
    }
    expect(await flooder.ended).toEqual({ code: 4101 })
    expect(codes).toContain('RATE_LIMITED')
    const said = stranger.all('messageBroadcast', { channelId: 'quiet' })
    expect(said.map(({ text }) => Number(text))).toEqual(
      Array.from({ length: floods }, (_, index) => index + 1),
    )
  })
})

describe('a server', () => {
  let server: TestServer
  let probe: Probe
  let pids: readonly number[]
  beforeAll(async () => {
    probe = await openProbe()
    server = await startServer({
      PARLEY_GATEWAYS: '2',
      PARLEY_AGENT_HOSTS: '0',
      ...probe.environment,
    })
    pids = await pidsOf(server)
  })
  afterAll(async () => {
    await expectUnharmed(server, pids)
    await server[Symbol.asyncDispose]()
    await probe[Symbol.asyncDispose]()
  })

  describe('closes the connection of an oversize frame', () => {
    const oversize = 'x'.repeat(MAX_FRAME_BYTES + 1)

    it('that has come whole', async () => {
      using client = await openRawClient(server.port)
      client.web.send(oversize)
      await client.ended
    })

    it('of which only the length has come: nothing is gathered', async () => {
      using client = await openRawClient(server.port)
      client.web.sendFrame({
        opcode: Opcode.text,
        payload: Buffer.alloc(0),
        announcedLength: 2 ** 40,
      })
      expect(await client.ended).toEqual({ code: 1009 })
    })

    it('that comes in small pieces', async () => {
      using client = await openRawClient(server.port)
      const piece = Buffer.alloc(60_000, 'x')
      client.web.sendFrame({ opcode: Opcode.text, payload: piece, isFinal: false })
      for (let sent = 0; sent <= MAX_FRAME_BYTES; sent += piece.length) {
        client.web.sendFrame({ opcode: Opcode.continuation, payload: piece, isFinal: false })
      }
      expect(await client.ended).toEqual({ code: 1009 })
    })

    it('in a polling body, with 413', async () => {
      using connection = new Connection(server.url)
      const session = await connection.openSession()
      expect((await connection.send('POST', session.path, oversize)).status).toBe(413)
    })

    it('and takes one that is just as large as it may be', async () => {
      using client = await openRawClient(server.port, { auth: { entityId: 'large' } })
      const room = MAX_FRAME_BYTES - sending('').length - '421'.length
      const answer = await client.ask(sending('x'.repeat(room)))
      // Whatever a message may hold, the frame itself was taken.
      expect(answer).toMatch(/PAYLOAD_TOO_LARGE|INVALID_PAYLOAD|messageId/)
    })
  })

  describe('closes the connection that breaks the protocol of WebSockets', () => {
    it.each([
      ['a frame that is not masked', { opcode: Opcode.text, isMasked: false }],
      ['a reserved opcode', { opcode: 11 }],
      ['a continuation of nothing', { opcode: Opcode.continuation }],
      ['a ping that is too long', { opcode: Opcode.ping, payload: Buffer.alloc(126) }],
      ['a ping in pieces', { opcode: Opcode.ping, isFinal: false }],
      ['text that is no UTF-8', { opcode: Opcode.text, payload: Buffer.from([0xff, 0xfe]) }],
    ])('with %s', async (_what, frame) => {
      using client = await openRawClient(server.port)
      client.web.sendFrame({ payload: Buffer.from('x'), ...frame })
      expect((await client.ended).code).toBeGreaterThan(1_000)
    })
  })

  it('lets one connection join as many channels as it may, and refuses the next', async () => {
    using client = await openRawClient(server.port, { auth: { entityId: 'joiner' } })
    const join = (index: number): Promise<string | undefined> =>
      client.ask(`["join",{"channelId":"many-${index}"}]`)
    const joined = await Promise.all(Array.from({ length: 1_000 }, (_, index) => join(index)))
    expect(joined.filter((answer) => answer?.includes('"code"') !== false)).toEqual([])
    const refused = await Promise.all([join(1_001), join(1_002)])
    for (const answer of refused) expect(answer).toContain('"code":"TOO_MANY_CHANNELS"')
    // One that it is in already may be joined again, and after one was left there is room for another.
    expect(await join(7)).toContain('"roomId":"many-7"')
    await client.ask('["leave",{"channelId":"many-8"}]')
    expect(await join(1_001)).toContain('"roomId":"many-1001"')
  })

  it('holds nothing of a thousand connections that came, joined and went', async () => {
    const storm = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += 20) {
        const some = Array.from({ length: 20 }, async (_, index) => {
          const auth = { entityId: `storm-${index}` }
          using client = await openRawClient(server.port, { auth })
          expect(await client.ask('["join",{"channelId":"storm"}]')).toContain('storm')
          // Some say goodbye, some are just gone.
          if (index % 2 === 0) client.web.send('41')
        })
        await Promise.all(some)
      }
      await expect.poll(() => connectionsOf(server), PATIENTLY).toBe(0)
    }
    await storm(400)
    const before = await Promise.all(pids.map((pid) => probe.ask(pid)))
    await storm(1_000)
    const after = await Promise.all(pids.map((pid) => probe.ask(pid)))
    for (const [index, was] of before.entries()) {
      const is = after[index]
      expect(is?.heldBytes).toBeLessThan(was.heldBytes + MAX_NOISE_BYTES)
      expect(is?.handles).toBeLessThan(was.handles + MAX_NOISE_HANDLES)
      expect(is?.files).toBeLessThan(was.files + MAX_NOISE_HANDLES)
      expect(is?.listeners).toBe(was.listeners)
    }
    const presence = await fetch(`${server.url}/api/messaging/channels/storm/presence`)
    expect(await presence.json()).toMatchObject({ data: { entities: [] } })
  })
})
