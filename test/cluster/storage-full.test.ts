import { describe, expect, it } from 'vitest'
import { eventually } from './support/eventually.ts'
import { channelPath, createChannel, rest } from './support/rest.ts'
import type { RestAnswer } from './support/rest.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { SmallDisk, whyNoSmallDisk } from './support/small-disk.ts'
import { TestClient } from './support/sockets.ts'
import { runTool } from './support/tool.ts'
import { readTruth } from './support/truth.ts'

const obstacle = whyNoSmallDisk()
const skipped = obstacle === '' ? '' : ` (skipped: ${obstacle})`

const DISK_MIB = 10
const BALLAST_BYTES = 6_500_000
const TEXT = 'x'.repeat(50_000)
const SETTINGS = { PARLEY_GATEWAYS: '1', PARLEY_AGENT_HOSTS: '0', PARLEY_APPEND_TIMEOUT_MS: '5000' }
const CHANNEL = 'room'

interface Posted {
  readonly clientMessageId: string
  readonly seq: number
}

function post(url: string, clientMessageId: string): Promise<RestAnswer> {
  const body = { author_id: 'writer', content: TEXT, messageId: clientMessageId }
  return rest(url, { method: 'POST', path: `${channelPath(CHANNEL)}/messages`, body })
}

function seqOf({ status, text }: RestAnswer): number {
  expect(status).toBe(201)
  return (JSON.parse(text) as { readonly data: { readonly seq: number } }).data.seq
}

/** Posts until the disk is full. Answers what was acknowledged, and the refusal. */
async function postUntilFull(url: string, name: string) {
  const posted: Posted[] = []
  for (let n = 0; n < 1_000; n += 1) {
    const clientMessageId = `${name}-${n}`
    const answer = await post(url, clientMessageId)
    if (answer.status !== 201) return { posted, refused: clientMessageId, answer }
    posted.push({ clientMessageId, seq: seqOf(answer) })
  }
  throw new Error('the disk was never full')
}

async function problems(url: string): Promise<{ status: number; problems: readonly string[] }> {
  const { status, text } = await rest(url, { path: '/readyz' })
  return { status, problems: (JSON.parse(text) as { problems: readonly string[] }).problems }
}

/** Everything acknowledged is there, at its number, and nothing else; the numbers have no hole. */
async function expectExactly(server: TestServer, posted: readonly Posted[]): Promise<void> {
  const [truth] = await readTruth(server, [CHANNEL])
  const stored = truth?.stored.map(({ seq, clientMessageId }) => ({ clientMessageId, seq }))
  expect(stored).toEqual(posted)
  expect(posted.map(({ seq }) => seq)).toEqual(posted.map((_, index) => index + 1))
  expect(truth?.history).toHaveLength(posted.length)
}

describe.skipIf(obstacle !== '')(`a full disk${skipped}`, () => {
  it('refuses changes with STORAGE_FULL, reads on, says so, and goes on by itself', async () => {
    using disk = new SmallDisk(DISK_MIB)
    disk.fill(BALLAST_BYTES)
    await using server = await startServer(SETTINGS, { dataDir: disk.dataDir })
    const before = (await server.processes()).map(({ pid }) => pid)
    await createChannel(server.url, CHANNEL)
    await using client = new TestClient({
      url: server.url,
      name: 'reader',
      transport: 'websocket',
      channels: [CHANNEL],
    })
    await client.open()
    const { posted, refused, answer } = await postUntilFull(server.url, 'first')
    expect(posted.length).toBeGreaterThan(10)
    expect(answer).toMatchObject({ status: 507 })
    expect(JSON.parse(answer.text)).toMatchObject({ success: false, code: 'STORAGE_FULL' })
    disk.fill()
    expect((await post(server.url, refused)).status).toBe(507)
    client.send(CHANNEL, 'by-socket', TEXT)
    await eventually(
      () => client.journal.all('refused').find(({ code }) => code === 'STORAGE_FULL'),
      { what: 'a refusal on the socket' },
    )
    await client.reached(CHANNEL, posted.length)
    await expectExactly(server, posted)
    expect(await problems(server.url)).toEqual({
      status: 200,
      problems: [expect.stringContaining('the disk is full')],
    })
    disk.free()
    posted.push({ clientMessageId: refused, seq: seqOf(await post(server.url, refused)) })
    await eventually(async () => (await problems(server.url)).problems.length === 0, {
      what: 'a readiness without problems',
    })
    await client.reached(CHANNEL, posted.length)
    await expectExactly(server, posted)
    expect((await server.processes()).map(({ pid }) => pid)).toEqual(before)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    await using again = await startServer(SETTINGS, { dataDir: disk.dataDir })
    await expectExactly(again, posted)
  })

  it('loses nothing when the writer or all is killed meanwhile', async () => {
    using disk = new SmallDisk(DISK_MIB)
    disk.fill(BALLAST_BYTES)
    let posted: Posted[]
    let refused: string
    {
      await using server = await startServer(SETTINGS, { dataDir: disk.dataDir })
      await createChannel(server.url, CHANNEL)
      const full = await postUntilFull(server.url, 'first')
      ;({ posted, refused } = full)
      disk.fill()
      const writer = await server.kill('writer')
      // Whichever it is, it may be tried again: the writer is away, or it is back and there is no room.
      const { status, text } = await post(server.url, refused)
      expect([503, 507]).toContain(status)
      expect(text).toMatch(/WRITER_UNAVAILABLE|STORAGE_FULL/)
      expect((await rest(server.url, { path: `${channelPath(CHANNEL)}/messages` })).status).toBe(
        200,
      )
      disk.free()
      await server.healed([writer])
      posted.push({ clientMessageId: refused, seq: seqOf(await post(server.url, refused)) })
      await expectExactly(server, posted)
      disk.fill()
    }
    // All of it was killed on a full disk.
    disk.free()
    await using again = await startServer(SETTINGS, { dataDir: disk.dataDir })
    await expectExactly(again, posted)
  })

  it('prevents a start, in words, and leaves the data as they are', async () => {
    using disk = new SmallDisk(DISK_MIB)
    const environment = { ...SETTINGS, PARLEY_DATA_DIR: disk.dataDir }
    disk.fill()
    const empty = await runTool([], { environment })
    expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining('the disk is full') })
    disk.free()
    const posted: Posted[] = []
    {
      await using server = await startServer(SETTINGS, { dataDir: disk.dataDir })
      await createChannel(server.url, CHANNEL)
      posted.push({ clientMessageId: 'one', seq: seqOf(await post(server.url, 'one')) })
      await server.stop()
    }
    disk.fill()
    const full = await runTool([], { environment })
    expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('the disk is full') })
    const backup = await runTool(['backup'], { environment })
    expect(backup).toMatchObject({ code: 1, stderr: expect.stringContaining('the disk is full') })
    disk.free()
    await using again = await startServer(SETTINGS, { dataDir: disk.dataDir })
    await expectExactly(again, posted)
  })
})
