import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRawWebSocket } from '../fuzz/support/raw-web-socket.ts'
import type { RawWebSocket } from '../fuzz/support/raw-web-socket.ts'
import { Connection, connectToDifferentGateways, openOwnSocket } from './support/connection.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { expectUnharmed, pidsOf } from './support/unharmed.ts'

const UNKNOWN_SESSION = { code: 1, message: 'Session ID unknown' }

let server: TestServer
let pids: readonly number[]
beforeAll(async () => {
  server = await startServer({ PARLEY_GATEWAYS: '2', PARLEY_AGENT_HOSTS: '0' })
  pids = await pidsOf(server)
})
afterAll(async () => {
  await expectUnharmed(server, pids)
  await server[Symbol.asyncDispose]()
})

describe('a polling session', () => {
  it('ends when two polls are under way at once', async () => {
    using first = new Connection(server.url)
    using second = new Connection(server.url)
    const session = await first.openSession()
    await first.send('POST', session.path, '40')
    await first.get(session.path)
    // Nothing is there to fetch: whichever comes first waits, and the other one is too many.
    const answers = await Promise.all([first.get(session.path), second.get(session.path)])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400]))
    const { body } = await second.get(session.path)
    expect(JSON.parse(body)).toEqual(UNKNOWN_SESSION)
  })

  it('ends when two bodies are under way at once', async () => {
    using connection = new Connection(server.url)
    const session = await connection.openSession()
    const slow = await openOwnSocket(server.port, session)
    slow.on('error', () => undefined)
    slow.write(
      `POST ${session.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n`,
    )
    // Node says "100 Continue" when it hands the request on.
    await once(slow, 'data')
    expect((await connection.send('POST', session.path, '40')).status).toBe(400)
    expect((await connection.get(session.path)).status).toBe(400)
    slow.destroy()
  })

  it('ends with a body that is no text of packets, and others go on', async () => {
    using other = new Connection(server.url)
    const good = await other.openSession()
    for (const body of ['x', '\u001E\u001E', '9', 'b%%%', '42{', '451-["message"]']) {
      using connection = new Connection(server.url)
      const session = await connection.openSession()
      await connection.send('POST', session.path, `40\u001E${body}`)
      const { status } = await connection.get(session.path)
      expect(status, body).toBeOneOf([200, 400])
    }
    expect((await other.send('POST', good.path, '40')).body).toBe('ok')
  })

  it.each([
    ['an unknown session', 'EIO=4&transport=polling&sid=AAAAAAAA.nobody', 1],
    ['a session of no gateway', 'EIO=4&transport=polling&sid=../../x', 1],
    ['two sessions', 'EIO=4&transport=polling&sid=a&sid=b', 1],
    ['a session of every object', 'EIO=4&transport=polling&sid=__proto__', 1],
    ['a transport that is none', 'EIO=4&transport=__proto__', 0],
    ['a transport of every object', 'EIO=4&transport=constructor', 0],
    ['no transport', 'EIO=4', 0],
    ['an old protocol', 'EIO=3&transport=polling', 5],
    ['a WebSocket without an upgrade', 'EIO=4&transport=websocket', 3],
    // Pages of all sites can run a script, and read what it says.
    ['an answer that is a script', 'EIO=4&transport=polling&j=0', 3],
    ['the same, said otherwise', 'EIO=4&transport=polling&%6A=0&j=', 3],
  ])('is refused when it asks for %s', async (_what, query, code) => {
    using connection = new Connection(server.url)
    const { status, body } = await connection.get(`/socket.io/?${query}`)
    expect(status).toBe(400)
    expect(JSON.parse(body)).toMatchObject({ code })
  })

  it('takes no method but GET and POST, wherever the request arrives', async () => {
    const found = await connectToDifferentGateways(server.url, 2)
    const session = found[0]?.session
    for (const { connection } of found) {
      using asking = connection
      for (const method of ['PUT', 'DELETE', 'PATCH', 'HEAD', 'TRACE']) {
        expect((await asking.send(method, session?.path ?? '')).status).toBe(400)
      }
    }
  })

  it('is upgraded once, wherever a repeated request arrives', async () => {
    using connection = new Connection(server.url)
    const session = await connection.openSession()
    await connection.send('POST', session.path, '40{"entityId":"upgraded"}')
    await connection.get(session.path)
    const path = session.path.replace('polling', 'websocket')
    const probed: string[] = []
    const probe = (): Promise<RawWebSocket> =>
      openRawWebSocket(server.port, (text) => probed.push(text), { path })
    using upgraded = await probe()
    upgraded.send('2probe')
    upgraded.send('5')
    await upgraded.settled()
    expect(probed).toEqual(['3probe'])
    // The very same request again: some of them arrive at the other gateway and are handed over.
    const again = Array.from({ length: 8 }, async () => {
      using repeated = await probe()
      repeated.send('2probe')
      await repeated.ended
    })
    await Promise.all(again.map((one) => one.catch(() => undefined)))
    upgraded.send('421["leave",{"channelId":"anywhere"}]')
    await upgraded.settled()
    expect(probed.filter((text) => text === '3probe')).toHaveLength(1)
    expect(probed.some((text) => text.startsWith('431'))).toBe(true)
    expect((await connection.get(session.path)).status).toBe(400)
  })
})
