import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Socket as TcpSocket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { io } from 'socket.io-client'
import type { Socket } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { closeCode } from '../compat/support/close-code.ts'
import {
  connectToDifferentGateways,
  openForeignSocket,
  openUpload,
  readUntil,
  webSocketFrame,
  writeUpgrade,
} from './support/connection.ts'
import type { Connection } from './support/connection.ts'
import { isAlive, ServerProcess, startServer } from './support/server.ts'

/** A stock client whose session has moved from polling to a websocket. */
async function upgraded(url: string): Promise<Socket> {
  const socket = io(url, { forceNew: true, reconnection: false })
  await new Promise((resolve) => {
    socket.once('connect', () => {
      const { engine } = socket.io
      if (engine.transport.name === 'websocket') resolve(undefined)
      else engine.once('upgrade', resolve)
    })
  })
  return socket
}

/** A websocket of a session on the connection's gateway, upgraded over a socket that reached another one. */
async function handedOver(port: number, connection: Connection): Promise<TcpSocket> {
  const session = await connection.openSession()
  await connection.send('POST', session.path, '40')
  await connection.get(session.path)
  const socket = await openForeignSocket(port, session)
  writeUpgrade(socket, session.path)
  await readUntil(socket, '\r\n\r\n')
  socket.write(webSocketFrame('2probe'))
  await readUntil(socket, '3probe')
  socket.write(webSocketFrame('5'))
  socket.write(webSocketFrame('420["leave",{"channelId":"round-trip"}]'))
  await readUntil(socket, '430[')
  return socket
}

describe('a stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s ends at once when nobody is connected, with 0 and all processes',
    async (signal) => {
      await using server = await startServer({ PARLEY_GATEWAYS: '2', PARLEY_DRAIN_MS: '30000' })
      const pids = (await server.processes()).map(({ pid }) => pid)
      const startedMs = performance.now()
      expect(await server.stop(signal)).toEqual({ code: 0, signal: null })
      expect(performance.now() - startedMs).toBeLessThan(10_000)
      expect(pids.filter(isAlive)).toEqual([])
    },
  )

  it('that comes during the start leaves no process behind', async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'parley-test-'))
    const settings = {
      PARLEY_GATEWAYS: '3',
      PARLEY_DATA_DIR: dataDir,
      PARLEY_LOG_LEVEL: 'debug',
    }
    const server = new ServerProcess(settings)
    // The writer is the first; the others would follow it.
    await server.logged('process started')
    server.child.kill('SIGTERM')
    // Output ends when the last process that writes to it has ended.
    expect(await server.exited).toEqual({ code: 0, signal: null })
    expect(server.stderr).toBe('')
    const started = server.lines.filter(({ msg }) => msg === 'process started')
    expect(started.map(({ childPid }) => isAlive(Number(childPid)))).not.toContain(true)
    await rm(dataDir, { recursive: true })
  })

  it('closes transports so that stock clients try to come back, and is not shortened by more signals', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '2', PARLEY_DRAIN_MS: '3000' })
    const socket = io(server.url, { transports: ['websocket'], forceNew: true })
    await new Promise((resolve) => socket.once('connect', () => resolve(undefined)))
    const reason = new Promise((resolve) => socket.once('disconnect', resolve))
    server.process.child.kill('SIGTERM')
    await server.process.logged('draining')
    for (let repeat = 0; repeat < 5; repeat += 1) server.process.child.kill('SIGTERM')
    expect(await reason).toBe('transport close')
    expect(socket.active).toBe(true)
    socket.close()
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })

  it('tells every connection to reconnect at once, also on gateways that passed sockets on', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '2', PARLEY_DRAIN_MS: '3000' })
    // Polling first: about half of the upgrades reach the other gateway and are handed over.
    const sockets = await Promise.all(Array.from({ length: 60 }, () => upgraded(server.url)))
    const codes = Promise.all(sockets.map(closeCode))
    server.process.child.kill('SIGTERM')
    expect(new Set(await codes)).toEqual(new Set([4000]))
    for (const socket of sockets) socket.close()
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })

  it('tells so to a gateway’s connections even when all of them came by way of another one', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '2', PARLEY_DRAIN_MS: '3000' })
    const [one, two] = await connectToDifferentGateways(server.url, 2)
    if (one === undefined || two === undefined) throw new Error('no two gateways')
    // More than a drain closes in its first moment.
    const sockets = await Promise.all(
      Array.from({ length: 15 }, () => handedOver(server.port, one.connection)),
    )
    for (const { connection } of [one, two]) connection[Symbol.dispose]()
    server.process.child.kill('SIGTERM')
    // A close frame with the code 4000.
    const ends = await Promise.all(sockets.map((socket) => readUntil(socket, '\u000f\u00a0')))
    expect(ends.every((end) => end.includes('\u0088'))).toBe(true)
    for (const socket of sockets) socket.destroy()
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })

  it('answers what is under way, and cuts what never ends after PARLEY_DRAIN_MS', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '1', PARLEY_DRAIN_MS: '1500' })
    const upload = await openUpload(server.port)
    const ended = once(upload, 'close')
    const startedMs = performance.now()
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    const tookMs = performance.now() - startedMs
    expect(tookMs).toBeGreaterThan(1_400)
    expect(tookMs).toBeLessThan(4_500)
    await ended
  })
})
