import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { quiesce } from './support/load.ts'
import { judgeServer } from './support/oracle.ts'
import type { Place } from './support/oracle.ts'
import { channelPath, createChannel, rest } from './support/rest.ts'
import { openRun } from './support/run.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { openClients, TestClient } from './support/sockets.ts'

const MAX_RESUME_ENTRIES = 100

let server: TestServer
/** The server as the oracle is told of it. */
const place = (): Place => ({
  url: server.url,
  dataDir: server.dataDir,
  maxResumeEntries: MAX_RESUME_ENTRIES,
})

beforeAll(async () => {
  server = await startServer({
    PARLEY_GATEWAYS: '3',
    PARLEY_MAX_RESUME_ENTRIES: String(MAX_RESUME_ENTRIES),
  })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

describe('resuming', { timeout: TEST_TIMEOUT_MS }, () => {
  it('shows everything once and in order to clients that lose their connection again and again', async () => {
    await using run = await openRun(server.url, {
      name: 'churn',
      clientCount: 12,
      channelCount: 3,
      load: { messagesPerSender: 300, windowSize: 6 },
    })
    run.load.start()
    // Every step cuts the connections of a third of the clients, under way or not.
    const steps = Array.from({ length: 30 }, (_, index) => (index + 1) / 32)
    for (const [step, share] of steps.entries()) {
      await run.load.reached(share)
      for (const client of run.clients.filter((_, index) => index % 3 === step % 3)) {
        client.socket.io.engine.close()
      }
    }
    const { violations, evidence } = await run.judge(place())

    expect(violations).toEqual([])
    expect(evidence.disconnects).toBeGreaterThan(80)
    expect(evidence.recovered).toBeGreaterThan(80)
    expect(evidence.repeated).toBeGreaterThan(80)
  })

  it('says so when the gap is larger than the limit, and goes on live from there', async () => {
    await createChannel(server.url, 'gap')
    const options = { url: server.url, transport: 'websocket', channels: ['gap'] } as const
    const [reader, writer] = await openClients([
      { ...options, name: 'reader' },
      { ...options, name: 'writer' },
    ])
    if (reader === undefined || writer === undefined) throw new Error('two clients were opened')
    reader.socket.disconnect()
    for (let number = 0; number <= MAX_RESUME_ENTRIES; number += 1)
      writer.send('gap', `m-${number}`, `#${number}`)
    await writer.reached('gap', 101)
    reader.socket.connect()
    await reader.reached('gap', 101)
    const marker = await quiesce(server.url, [reader, writer])

    expect(reader.journal.all('joined').at(-1)).toMatchObject({ seq: 101, recovered: false })
    expect(reader.journal.all('entry').map(({ seq }) => seq)).toEqual([102])
    const { violations } = await judgeServer(
      place(),
      [reader.journal, writer.journal, marker],
      ['gap'],
    )
    expect(violations).toEqual([])
    for (const client of [reader, writer]) await client[Symbol.asyncDispose]()
  })

  it('shows what became of messages while the client was away, not what they were', async () => {
    await createChannel(server.url, 'changed')
    const options = { url: server.url, transport: 'websocket', channels: ['changed'] } as const
    await using reader = await new TestClient({ ...options, name: 'reader' }).open()
    await using writer = await new TestClient({ ...options, name: 'writer' }).open()
    reader.socket.disconnect()
    for (let number = 0; number < 4; number += 1)
      writer.send('changed', `m-${number}`, `#${number}`)
    await writer.reached('changed', 4)
    const ids = writer.journal.all('entry').map(({ messageId }) => messageId)
    const messages = `${channelPath('changed')}/messages`
    await rest(server.url, {
      method: 'PATCH',
      path: `${messages}/${ids[1]}`,
      body: { content: '#1 anew' },
    })
    await rest(server.url, { method: 'DELETE', path: `${messages}/${ids[2]}` })
    await writer.reached('changed', 6)
    reader.socket.connect()
    await reader.reached('changed', 6)

    const seen = reader.journal.all('entry').map(({ seq, kind, text }) => ({ seq, kind, text }))
    expect(seen).toEqual([
      { seq: 1, kind: 'posted', text: '#0' },
      { seq: 2, kind: 'posted', text: '#1 anew' },
      { seq: 4, kind: 'posted', text: '#3' },
      { seq: 5, kind: 'edited', text: '#1 anew' },
      { seq: 6, kind: 'deleted', text: undefined },
    ])
  })
})
