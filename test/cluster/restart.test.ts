import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { quiesce } from './support/load.ts'
import { judgeServer } from './support/oracle.ts'
import { channelPath, rest, restData } from './support/rest.ts'
import { openRun, temporaryDataDir, RESUME_ANY_GAP } from './support/run.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { TestClient } from './support/sockets.ts'

const SETTINGS = { PARLEY_GATEWAYS: '2', ...RESUME_ANY_GAP }

function startOn(dataDir: string, before?: TestServer): Promise<TestServer> {
  const port = before === undefined ? {} : { PARLEY_PORT: String(before.port) }
  return startServer({ ...SETTINGS, ...port }, { dataDir })
}

/** Everything that REST says about a channel. */
async function contentOf(url: string, channelId: string) {
  const read = (path: string) => restData<unknown>(url, { path: channelPath(channelId) + path })
  const [details, participants, messages] = await Promise.all(
    ['/details', '/participants', '/messages?limit=500'].map(read),
  )
  return { details, participants, messages }
}

describe('a start on the data of a server before it', { timeout: TEST_TIMEOUT_MS }, () => {
  it('shows the same channels, participants and messages, and goes on with the next number', async () => {
    await using data = await temporaryDataDir()
    const first = await startOn(data.path)
    await using writer = await new TestClient({
      url: first.url,
      name: 'writer',
      transport: 'websocket',
      channels: ['kept'],
    }).open()
    await rest(first.url, {
      method: 'POST',
      path: '/api/messaging/channels',
      body: {
        id: 'kept',
        name: 'Kept',
        topic: 'What stays',
        message_server_id: DEFAULT_SERVER_ID,
        participantCentralUserIds: ['ann', 'bob'],
        metadata: { colour: 'green' },
      },
    })
    for (let number = 0; number < 20; number += 1) writer.send('kept', `m-${number}`, `#${number}`)
    await writer.reached('kept', 20)
    const before = await contentOf(first.url, 'kept')
    const position = writer.positionOf('kept')
    expect(await first.stop()).toEqual({ code: 0, signal: null })

    await using second = await startOn(data.path, first)
    expect(await contentOf(second.url, 'kept')).toEqual(before)
    // The client resumed by itself, with the `since` that it had from the server before.
    await eventually(() => writer.journal.count('joined') === 2, { what: 'the second join' })
    const marker = await quiesce(second.url, [writer])
    expect(writer.positionOf('kept')).toEqual({ epoch: position?.epoch, seq: 21 })
    expect(writer.journal.all('joined').at(-1)).toMatchObject({ recovered: true, seq: 20 })
    const { violations } = await judgeServer(second, [writer.journal, marker], ['kept'])
    expect(violations).toEqual([])
  })

  it('replays to a client what it missed before the restart', async () => {
    await using data = await temporaryDataDir()
    const first = await startOn(data.path)
    const options = { url: first.url, transport: 'websocket', channels: ['missed'] } as const
    await using reader = await new TestClient({ ...options, name: 'reader' }).open()
    await using writer = await new TestClient({ ...options, name: 'writer' }).open()
    reader.socket.disconnect()
    for (let number = 0; number < 50; number += 1)
      writer.send('missed', `m-${number}`, `#${number}`)
    await writer.reached('missed', 50)
    await first.stop()

    await using second = await startOn(data.path, first)
    reader.socket.connect()
    await reader.reached('missed', 50)
    const marker = await quiesce(second.url, [reader, writer])
    expect(reader.journal.all('entry')).toHaveLength(51)
    const { violations, evidence } = await judgeServer(
      second,
      [reader.journal, writer.journal, marker],
      ['missed'],
    )
    expect(violations).toEqual([])
    expect(evidence.unrecovered).toBe(0)
  })

  it('loses nothing when SIGTERM comes in mid-load', async () => {
    await using data = await temporaryDataDir()
    const first = await startOn(data.path)
    await using run = await openRun(first.url, {
      name: 'drained',
      clientCount: 12,
      channelCount: 3,
      load: { messagesPerSender: 250, windowSize: 8 },
    })
    run.load.start()
    await run.load.reached(0.4)
    expect(await first.stop()).toEqual({ code: 0, signal: null })
    await using second = await startOn(data.path, first)
    const { violations, evidence } = await run.judge(second)

    expect(violations).toEqual([])
    expect(evidence.unrecovered).toBe(0)
    expect(evidence.disconnects).toBeGreaterThanOrEqual(12)
  })

  it('loses nothing when the primary is killed with -9 in mid-load, twice', async () => {
    await using data = await temporaryDataDir()
    let server = await startOn(data.path)
    await using run = await openRun(server.url, {
      name: 'killed',
      clientCount: 12,
      channelCount: 3,
      load: { messagesPerSender: 250, windowSize: 8 },
    })
    run.load.start()
    for (const share of [0.3, 0.6]) {
      await run.load.reached(share)
      await server.stop('SIGKILL')
      server = await startOn(data.path, server)
    }
    await using last = server
    const { violations, evidence } = await run.judge(last)

    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
    expect(evidence.disconnects).toBeGreaterThanOrEqual(24)
    expect(evidence.repeated).toBeGreaterThan(0)
  })
})
