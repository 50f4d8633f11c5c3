import { io } from 'socket.io-client'
import type { Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectToDifferentGateways } from './support/connection.ts'
import { eventually } from './support/eventually.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

interface Line {
  readonly level: number
  readonly time: number
  readonly msg: string
  readonly role?: string
  readonly pid?: number
  readonly channelId?: string
}

interface Watcher {
  readonly socket: Socket
  readonly lines: Line[]
}

async function watch(url: string): Promise<Watcher> {
  const socket = io(url, { transports: ['websocket'], forceNew: true })
  const lines: Line[] = []
  socket.on('log_stream', ({ payload }: { payload: Line }) => lines.push(payload))
  await new Promise((resolve) => {
    socket.once('log_subscription_confirmed', resolve)
    socket.emit('subscribe_logs')
  })
  return { socket, lines }
}

const about = ({ lines }: Watcher, id: string): Line[] =>
  lines.filter((line) => line.channelId === id)

async function createChannel(server: TestServer): Promise<string> {
  const response = await fetch(`${server.url}/api/messaging/channels`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'watched',
      participantCentralUserIds: [],
      message_server_id: '00000000-0000-0000-0000-000000000000',
    }),
  })
  const { data } = (await response.json()) as { data: { id: string } }
  return data.id
}

describe('the log stream', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '3' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('brings each line of every process once to every watcher, wherever it is connected', async () => {
    const watchers = await Promise.all(Array.from({ length: 6 }, () => watch(server.url)))
    const channelId = await createChannel(server)
    const gone = await server.kill('agent-host')
    await server.healed([gone])
    // The primary logs after the channel was created; what comes once is not followed by a copy.
    const last = await createChannel(server)
    for (const watcher of watchers) {
      await eventually(() => about(watcher, last).length > 0, { what: 'the last line' })
      expect(about(watcher, channelId)).toHaveLength(1)
      expect(about(watcher, last)).toHaveLength(1)
      const restarts = watcher.lines.filter(({ msg }) => msg === 'process ended, restarting it')
      expect(restarts).toMatchObject([{ role: 'primary' }])
    }
    for (const { socket } of watchers) socket.close()
  })

  it('keeps the last lines of all processes for whoever asks, until they are cleared', async () => {
    const channelId = await createChannel(server)
    const logsUrl = `${server.url}/api/server/logs`
    const read = async (): Promise<readonly Line[]> =>
      ((await (await fetch(logsUrl)).json()) as { logs: readonly Line[] }).logs
    const lines = await eventually(
      async () => {
        const all = await read()
        return all.some((line) => line.channelId === channelId) && all
      },
      { what: 'the line of the new channel' },
    )
    expect(new Set(lines.map(({ role }) => role))).toEqual(
      new Set(['primary', 'writer', 'gateway']),
    )
    await fetch(logsUrl, { method: 'DELETE' })
    expect((await read()).some((line) => line.channelId === channelId)).toBe(false)
  })

  it('costs nothing while nobody watches, and starts again with the next watcher', async () => {
    const first = await watch(server.url)
    first.socket.close()
    const second = await watch(server.url)
    const channelId = await createChannel(server)
    await eventually(() => second.lines.some((line) => line.channelId === channelId), {
      what: 'the line of the new channel',
    })
    expect(first.lines.some((line) => line.channelId === channelId)).toBe(false)
    second.socket.close()
  })
})

describe('the numbers of the processes', () => {
  it('say how many connections each gateway has, at the time of asking', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: '2' })
    const watchers = await Promise.all(Array.from({ length: 8 }, () => watch(server.url)))
    const total = async (): Promise<number> =>
      (await server.processes()).reduce((sum, { connections }) => sum + connections, 0)
    expect(await total()).toBe(8)
    for (const { socket } of watchers) socket.close()
    await eventually(async () => (await total()) === 0, { what: 'the end of all connections' })
    const different = await connectToDifferentGateways(server.url, 2)
    expect(new Set(different.map(({ session }) => session.gateway)).size).toBe(2)
    for (const { connection } of different) connection[Symbol.dispose]()
  })
})
