import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { eventually } from './support/eventually.ts'
import { channelPath, createChannel, rest } from './support/rest.ts'
import { openRun, RESUME_ANY_GAP, temporaryDataDir } from './support/run.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { TestClient } from './support/sockets.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Ticks of the heartbeat, 2 s each, and then some: what would be killed for a jump is killed by then. */
const WATCHED_MS = 5_000

interface Row {
  readonly id: string
  readonly seq: number
  /** Epoch ms. */
  readonly created_at: number
}

async function history(server: TestServer, channelId: string): Promise<readonly Row[]> {
  const call = { path: `/api/messaging/channels/${channelId}/messages?limit=500` }
  const { status, text } = await rest(server.url, call)
  expect(status).toBe(200)
  return (JSON.parse(text) as { data: { messages: readonly Row[] } }).data.messages
}

/** Sets the date of all processes of the server, and returns when each gateway shows it. */
async function setClock(server: TestServer, file: string, offsetMs: number): Promise<void> {
  writeFileSync(file, String(offsetMs))
  const shown = async (): Promise<boolean> => {
    const { text } = await rest(server.url, { path: '/api/server/ping' })
    const { timestamp } = JSON.parse(text) as { readonly timestamp: number }
    return Math.abs(timestamp - Date.now() - offsetMs) < HOUR_MS / 4
  }
  await eventually(
    async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, shown))
      return answers.every(Boolean)
    },
    { what: `a clock that is ${offsetMs} ms off` },
  )
}

describe('a clock that jumps', () => {
  it.each([
    { what: 'back an hour', offsetMs: -HOUR_MS },
    { what: 'forward a day, and back', offsetMs: DAY_MS },
  ])('changes neither order nor identity, and nobody is killed: $what', async ({ offsetMs }) => {
    await using place = await temporaryDataDir()
    const file = path.join(place.path, 'offset')
    writeFileSync(file, '0')
    const preload = pathToFileURL(path.join(import.meta.dirname, 'support/set-clock.mjs'))
    preload.searchParams.set('file', file)
    await using server = await startServer({
      ...RESUME_ANY_GAP,
      PARLEY_GATEWAYS: '2',
      NODE_OPTIONS: `--import ${preload.href}`,
    })
    const before = await server.processes()
    expect(before.map(({ role }) => role)).toContain('agent-host')
    await using run = await openRun(server.url, {
      name: 'clock',
      clientCount: 6,
      channelCount: 2,
      load: { messagesPerSender: 60, windowSize: 4 },
    })
    await using typist = new TestClient({
      url: server.url,
      name: 'typist',
      transport: 'websocket',
      channels: [run.channels[0] ?? ''],
    })
    await typist.open()
    const typing = new Promise((resolve) => {
      run.clients[0]?.socket.once('typing', resolve)
    })
    run.load.start()
    await run.load.reached(0.3)
    await setClock(server, file, offsetMs)
    const jumpedAtMs = performance.now()
    await run.load.reached(0.7)
    if (offsetMs > 0) await setClock(server, file, 0)
    const verdict = await run.judge(server)
    expect(verdict.violations).toEqual([])
    for (const channelId of run.channels) {
      const rows = await history(server, channelId)
      expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => rows.length - index))
      expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
      const times = rows.map((row) => row.created_at)
      // A channel's times never go back: they stand still until the date has caught up.
      expect(times).toEqual(times.toSorted((a, b) => b - a))
      const newestMs = (times[0] ?? 0) - Date.now()
      expect(Math.abs(newestMs - Math.max(0, offsetMs))).toBeLessThan(HOUR_MS / 4)
    }
    if (offsetMs < 0) {
      // A channel without a past has the date that was set: the writer has seen it, too.
      const body = { author_id: 'late', content: 'late', messageId: 'late' }
      const call = { method: 'POST', path: `${channelPath('late')}/messages`, body } as const
      await createChannel(server.url, 'late')
      expect((await rest(server.url, call)).status).toBe(201)
      const [row] = await history(server, 'late')
      expect((row?.created_at ?? 0) - Date.now()).toBeLessThan(-HOUR_MS / 2)
    }
    typist.socket.emit('typing_start', { channelId: typist.channels[0] })
    expect(await typing).toMatchObject({ isTyping: true, entityId: 'typist' })
    await eventually(() => performance.now() - jumpedAtMs > WATCHED_MS, { what: 'some heartbeats' })
    const pids = (await server.processes()).map(({ pid }) => pid)
    expect(pids).toEqual(before.map(({ pid }) => pid))
    expect(verdict.evidence.disconnects).toBe(0)
    expect(typist.socket.connected).toBe(true)
    expect(readFileSync(file, 'utf8')).toBe(offsetMs > 0 ? '0' : String(offsetMs))
  })
})
