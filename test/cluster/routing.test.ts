import { connect as connectTcp } from 'node:net'
import type { Socket as TcpSocket } from 'node:net'
import { once } from 'node:events'
import { io } from 'socket.io-client'
import type { Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  connectToDifferentGateways,
  openForeignSocket,
  readUntil,
  writeUpgrade,
} from './support/connection.ts'
import type { Connection, Session } from './support/connection.ts'
import { eventually } from './support/eventually.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

const GATEWAYS = 3
const UNKNOWN_SESSION = { code: 1, message: 'Session ID unknown' }

function connected(url: string, transports: string[]): Promise<Socket> {
  const socket = io(url, { transports, forceNew: true, reconnection: false, timeout: 15_000 })
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket))
    socket.once('connect_error', reject)
  })
}

function gatewayOf(socket: Socket): string {
  const { id } = socket.io.engine as unknown as { readonly id: string }
  return id.split('.')[0] ?? ''
}

async function roundTrip(socket: Socket): Promise<void> {
  await socket.timeout(15_000).emitWithAck('leave', { channelId: 'round-trip' })
}

interface Pair {
  /** Reaches another gateway than the one that has `session`. */
  readonly foreign: Connection
  readonly session: Session
}

describe('session routing', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: String(GATEWAYS) })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  async function foreignPair(): Promise<Pair> {
    const [one, two] = await connectToDifferentGateways(server.url, 2)
    if (one === undefined || two === undefined) throw new Error('no two gateways')
    one.connection[Symbol.dispose]()
    return { foreign: two.connection, session: one.session }
  }

  it.each(['polling', 'polling then websocket', 'websocket'])(
    'carries stock clients on every gateway: %s',
    async (transports) => {
      const used = transports.split(' then ')
      const sockets = await Promise.all(
        Array.from({ length: 12 }, () => connected(server.url, used)),
      )
      if (used.length === 2) {
        await eventually(
          () => sockets.every(({ io: { engine } }) => engine.transport.name === 'websocket'),
          {
            what: 'the upgrade of every client',
          },
        )
      }
      for (let round = 0; round < 5; round += 1) await Promise.all(sockets.map(roundTrip))
      expect(sockets.every((socket) => socket.connected)).toBe(true)
      expect(new Set(sockets.map(gatewayOf)).size).toBe(GATEWAYS)
      for (const socket of sockets) socket.close()
    },
  )

  it('forwards polls and posts of a session that lives elsewhere, over kept-alive connections', async () => {
    const { foreign, session } = await foreignPair()
    expect(await foreign.send('POST', session.path, '40')).toEqual({ status: 200, body: 'ok' })
    expect((await foreign.get(session.path)).body).toMatch(/^40\{"sid"/)
    for (let round = 0; round < 5; round += 1) {
      const asked = `42${round}["leave",{"channelId":"round-trip"}]`
      expect((await foreign.send('POST', session.path, asked)).status).toBe(200)
      let answers = ''
      while (!answers.includes(`43${round}[`)) answers += (await foreign.get(session.path)).body
      expect((await foreign.get('/healthz')).status).toBe(200)
    }
    expect(foreign.sockets.size).toBe(1)
    foreign[Symbol.dispose]()
  })

  it('does not lose step when a forwarded upload is aborted half-way', async () => {
    const { foreign, session } = await foreignPair()
    foreign[Symbol.dispose]()
    const socket = await openForeignSocket(server.port, session)
    socket.write(
      `POST ${session.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n42["GET /healthz HTTP/1.1`,
    )
    socket.destroy()
    // The session is over, as it is without forwarding; everybody else's requests are in order.
    const sockets = await Promise.all(
      Array.from({ length: 6 }, () => connected(server.url, ['polling'])),
    )
    for (let round = 0; round < 5; round += 1) await Promise.all(sockets.map(roundTrip))
    for (const other of sockets) other.close()
  })

  it('answers a session that nobody knows as engine.io does, for polls and upgrades', async () => {
    const { foreign, session } = await foreignPair()
    const gone = session.path.replace(session.gateway, 'AAAAAAAA')
    const { status, body } = await foreign.get(gone)
    expect(status).toBe(400)
    expect(JSON.parse(body)).toEqual(UNKNOWN_SESSION)
    const nonsense = await foreign.get(session.path.replace(session.sid, '../../etc/passwd'))
    expect(nonsense.status).toBe(400)
    expect(JSON.parse(nonsense.body)).toEqual(UNKNOWN_SESSION)
    const answer = await upgradeBy(connectTcp(server.port, '127.0.0.1'), gone)
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(answer).toContain(JSON.stringify(UNKNOWN_SESSION))
    foreign[Symbol.dispose]()
  })

  it('answers with a lost session, and stays in step, when its gateway is killed in mid-upload', async () => {
    const { foreign, session } = await foreignPair()
    foreign[Symbol.dispose]()
    const socket = await openForeignSocket(server.port, session)
    const victim = await pidOfSession(server, session)
    // More than any buffer on the way holds.
    const half = 'x'.repeat(450_000)
    socket.write(
      `POST ${session.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n${half}`,
    )
    // The owner has the first half when it has answered something sent after it.
    await roundTripOver(server, session)
    process.kill(victim, 'SIGKILL')
    const first = await readUntil(socket, '}')
    expect(first).toMatch(/^HTTP\/1\.1 400 /)
    expect(first).toContain(JSON.stringify(UNKNOWN_SESSION))
    socket.write(`${half}GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    const second = await readUntil(socket, '}')
    expect(second).toMatch(/^HTTP\/1\.1 200 /)
    socket.destroy()
    await server.healed([victim])
  })

  it('closes an upgrade that its gateway does not take in time', async () => {
    const { foreign, session } = await foreignPair()
    foreign[Symbol.dispose]()
    const socket = await openForeignSocket(server.port, session)
    const stopped = await pidOfSession(server, session)
    process.kill(stopped, 'SIGSTOP')
    const startedMs = performance.now()
    const answer = await upgradeBy(socket, session.path)
    const tookMs = performance.now() - startedMs
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(tookMs).toBeGreaterThan(4_000)
    expect(tookMs).toBeLessThan(8_000)
    process.kill(stopped, 'SIGKILL')
    await server.healed([stopped])
  })

  it('leaves no connection without an answer or an end when gateways are killed', async () => {
    let isKilling = true
    const stuck: string[] = []
    const connecting = async (): Promise<void> => {
      while (isKilling) {
        const outcome = await connectOnce(server.port)
        if (outcome === 'stuck') stuck.push(outcome)
      }
    }
    const clients = Array.from({ length: 30 }, connecting)
    for (let kill = 0; kill < 6; kill += 1) {
      const [victim] = await eventually(() => server.pids('gateway'), { what: 'a gateway' })
      process.kill(victim ?? 0, 'SIGKILL')
      await server.healed([victim ?? 0])
    }
    isKilling = false
    await Promise.all(clients)
    expect(stuck).toEqual([])
  })
})

/** Sends an upgrade request; resolves with everything that came until the end. */
async function upgradeBy(socket: TcpSocket, path: string): Promise<string> {
  writeUpgrade(socket, path)
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  await once(socket, 'close')
  return text
}

/** Which process has a session: the one whose number of connections grows with it. */
async function pidOfSession(server: TestServer, session: Session): Promise<number> {
  const countOf = async (): Promise<Map<number, number>> =>
    new Map((await server.processes()).map(({ pid, connections }) => [pid, connections]))
  const before = await countOf()
  const socket = await sessionOn(server.url, session.gateway)
  const pid = await eventually(
    async () => {
      // Others that were tried and closed again may still be counted for a moment.
      const grown = [...(await countOf())].filter(([one, count]) => count > (before.get(one) ?? 0))
      return grown.length === 1 && grown[0]?.[0]
    },
    { what: 'the process of a session' },
  )
  socket.close()
  return pid
}

/** A stock client on the wanted gateway. */
async function sessionOn(url: string, gateway: string): Promise<Socket> {
  for (;;) {
    const socket = await connected(url, ['websocket'])
    if (gatewayOf(socket) === gateway) return socket
    socket.close()
  }
}

async function roundTripOver(server: TestServer, session: Session): Promise<void> {
  const socket = await sessionOn(server.url, session.gateway)
  await roundTrip(socket)
  socket.close()
}

function connectOnce(port: number): Promise<'answered' | 'closed' | 'stuck'> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1')
    let outcome: 'answered' | 'closed' | 'stuck' = 'closed'
    const timer = setTimeout(() => {
      outcome = 'stuck'
      socket.destroy()
    }, 6_000)
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    socket.on('data', () => {
      outcome = 'answered'
    })
    // Reset by the kill: an end, too.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(outcome)
    })
  })
}
