import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { io } from 'socket.io-client'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { KeepAliveLoad } from './support/keep-alive-load.ts'
import { hasNginx, startNginx } from './support/nginx.ts'
import type { Nginx } from './support/nginx.ts'
import { openRun, RESUME_ANY_GAP, temporaryDataDir } from './support/run.ts'
import type { Run } from './support/run.ts'
import { ServerProcess, startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { SteadyLoad } from './support/steady-load.ts'

const GATEWAYS = 3

const BUFFERING = [
  { buffersAnswers: false, buffersRequests: true },
  { buffersAnswers: true, buffersRequests: true },
  { buffersAnswers: true, buffersRequests: false },
] as const

if (!hasNginx()) process.stderr.write('nginx is not installed: its tests are skipped\n')

/** Clients of every transport, none of which sends until a load drives it. */
function openQuietRun(url: string, name: string): Promise<Run> {
  return openRun(url, {
    name,
    clientCount: 24,
    channelCount: 3,
    load: { messagesPerSender: 0, windowSize: 1 },
  })
}

function openRestLoad(url: string, name: string, channels: readonly string[]): KeepAliveLoad {
  return new KeepAliveLoad({ url, name, channels, connections: 30, maxPauseMs: 500 })
}

describe.skipIf(!hasNginx())(
  'behind nginx with upstream keep-alive',
  { timeout: TEST_TIMEOUT_MS },
  () => {
    let server: TestServer
    beforeAll(async () => {
      server = await startServer({
        PARLEY_GATEWAYS: String(GATEWAYS),
        PARLEY_DRAIN_MS: '3000',
        // Open mode refuses what a proxy forwarded; keys have a test of their own.
        PARLEY_INSECURE: '1',
        ...RESUME_ANY_GAP,
      })
    })
    afterAll(() => server[Symbol.asyncDispose]())

    it.each(BUFFERING)(
      'every client keeps its session, whatever gateway its requests reach: %o',
      async (buffering) => {
        await using nginx = await startNginx({ port: server.port, ...buffering })
        const name = `kept-${Number(buffering.buffersAnswers)}${Number(buffering.buffersRequests)}`
        await using run = await openQuietRun(nginx.url, name)
        const calls = openRestLoad(nginx.url, name, run.channels)
        using sends = new SteadyLoad(run.clients, { windowSize: 4, everyMs: 200 })
        await sends.more(300)
        await sends.finish()
        await calls.finish()
        const { violations, evidence } = await run.judge(server, calls.journals)

        expect(violations).toEqual([])
        expect(evidence).toMatchObject({ disconnects: 0, refused: 0, repeated: 0 })
        expect(calls.failures).toEqual([])
        const upgraders = run.clients.filter(({ transport }) => transport === 'upgrade')
        expect(upgraders.map(({ journal }) => journal.count('upgraded'))).not.toContain(0)
        expect(new Set(run.clients.map(({ gatewayId }) => gatewayId)).size).toBe(GATEWAYS)
      },
    )

    it('a reload fails no request and loses nothing', async () => {
      await using nginx = await startNginx({ port: server.port })
      await using run = await openQuietRun(nginx.url, 'reloaded')
      const before = new Set(run.clients.map(({ gatewayId }) => gatewayId))
      const calls = openRestLoad(nginx.url, 'reloaded', run.channels)
      using sends = new SteadyLoad(run.clients, { windowSize: 4, everyMs: 200 })
      await sends.more(300)
      process.kill(server.pid, 'SIGUSR2')
      await server.process.logged('gateways and agent hosts replaced')
      await sends.more(300)
      await sends.finish()
      await calls.finish()
      const { violations, evidence } = await run.judge(server, calls.journals)

      expect(calls.failures).toEqual([])
      expect(violations).toEqual([])
      expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
      expect(run.clients.filter(({ gatewayId }) => before.has(gatewayId))).toEqual([])
    })

    it('a killed gateway loses, doubles and reorders nothing', async () => {
      await using nginx = await startNginx({ port: server.port })
      await using run = await openQuietRun(nginx.url, 'killed')
      using sends = new SteadyLoad(run.clients, { windowSize: 4, everyMs: 200 })
      await sends.more(300)
      await server.healed([await server.kill('gateway')])
      await sends.more(300)
      await sends.finish()
      const { violations, evidence } = await nginxVerdict(run, nginx)

      expect(violations).toEqual([])
      expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
      expect(evidence.disconnects).toBeGreaterThan(0)
    })

    function nginxVerdict(run: Run, nginx: Nginx) {
      return run.judge({ url: nginx.url, dataDir: server.dataDir })
    }
  },
)

describe.skipIf(!hasNginx())('a server with a key behind nginx', () => {
  it('lets sockets and calls in that carry it, and no others', async () => {
    const apiKey = 'a-key-that-only-we-know'
    await using data = await temporaryDataDir()
    const settings = { PARLEY_API_KEY: apiKey, PARLEY_GATEWAYS: '2', PARLEY_DATA_DIR: data.path }
    const server = new ServerProcess(settings)
    await using _stopped = {
      [Symbol.asyncDispose]: async () => {
        server.child.kill('SIGTERM')
        await server.exited
      },
    }
    const { url } = await server.logged('listening')
    await using nginx = await startNginx({ port: Number(new URL(String(url)).port) })
    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${nginx.url}/api/messaging/message-servers`, { headers })).status
    expect(await statusWith({ 'x-api-key': apiKey })).toBe(200)
    expect(await statusWith({})).toBe(401)
    const options = { forceNew: true, reconnection: false }
    const member = io(nginx.url, { ...options, auth: { entityId: 'ann', apiKey } })
    await new Promise<void>((resolve, reject) => {
      member.once('connect', resolve).once('connect_error', reject)
    })
    const stranger = io(nginx.url, { ...options, auth: { entityId: 'eve' } })
    const refusal = await new Promise<Error>((resolve) => stranger.once('connect_error', resolve))
    expect(refusal.message).toContain('API Key')
    member.close()
    stranger.close()
  })
})
