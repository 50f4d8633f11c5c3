import { once } from 'node:events'
import { io } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { openUpload } from './support/connection.ts'
import { isAlive, startServer } from './support/server.ts'

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
