import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LINK_PROTOCOL_VERSION } from '../../src/ipc/hello.ts'
import type { LogReader } from '../../src/log/engine.ts'
import { openSqliteReader } from '../../src/log/sqlite/sqlite-engine.ts'
import { newId } from '../../src/util/new-id.ts'
import { createChannel, post } from '../contract/engine-support.ts'
import { loggedProblem } from '../contract/support/logged-problem.ts'
import { range, Recorder } from '../contract/support/recorder.ts'
import {
  connected,
  databaseIn,
  openGateway,
  openWriter,
  temporaryDirectory,
} from '../contract/support/remote.ts'
import type { Gateway, Writer } from '../contract/support/remote.ts'

describe('the remote log at its limits', () => {
  let directory: ReturnType<typeof temporaryDirectory>
  let writer: Writer
  let gateways: Gateway[]
  let feed: Recorder
  const channelId = newId()

  beforeEach(async () => {
    directory = temporaryDirectory()
    gateways = []
    feed = new Recorder()
  })
  afterEach(async () => {
    await Promise.all(gateways.map((each) => each.close()))
    await writer.close()
    directory.remove()
  })

  async function startWriter(options: Partial<Parameters<typeof openWriter>[0]> = {}) {
    writer = await openWriter({ directory: directory.path, ...options })
  }

  function gateway(options: Partial<Parameters<typeof openGateway>[0]> = {}): Gateway {
    const opened = openGateway({ directory: directory.path, consumer: feed, ...options })
    gateways.push(opened)
    return opened
  }

  /** The read-only database, with reads of entries changed. */
  function reader(entries: (read: LogReader['entries']) => LogReader['entries']): LogReader {
    const file = databaseIn(directory.path)
    const real = openSqliteReader({ file, busyTimeoutMs: 250 })
    const read = entries((asked) => real.entries(asked))
    return new Proxy(real, {
      get: (target, key) => {
        if (key === 'entries') return read
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  const appendAll = (log: Gateway['log'], count: number, text = 'x') =>
    Promise.all(range(1, count).map(() => log.append(post(channelId, text))))

  it('rejects with WRITER_UNAVAILABLE when no answer comes in time, and does not send it again', async () => {
    await startWriter()
    const { log } = gateway({ limits: { appendTimeoutMs: 100, maxPending: 1 } })
    await log.append(createChannel({ id: channelId }))
    await writer.close()
    const late = log.append(post(channelId, 'too late'))
    const follow = log.follow(channelId)
    const results = await Promise.allSettled([late, follow])
    for (const { reason } of results as readonly PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ code: 'WRITER_UNAVAILABLE' })
    }

    await startWriter()
    await connected(log)
    // The one place is free again.
    expect(await log.append(post(channelId, 'in time'))).toMatchObject({ seq: 1 })
    expect(await log.follow(channelId)).toBe(1)
  })

  it('keeps what waits for an absent writer within its bounds, and sends it once it is back', async () => {
    await startWriter()
    const { log } = gateway({ limits: { maxPending: 3 } })
    await log.append(createChannel({ id: channelId }))
    await writer.close()
    const waiting = [1, 2, 3].map((text) => log.append(post(channelId, `${text}`)))
    await expect(log.append(post(channelId, '4'))).rejects.toMatchObject({ code: 'OVERLOADED' })
    const followed = log.follow(channelId)
    log.publish({ kind: 'complete', channelId, serverId: 's', messageId: 'dropped' })

    await startWriter()
    const outcomes = await Promise.all(waiting)
    expect(outcomes.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(await followed).toBe(0)
    await log.append(post(channelId, '4'))
    expect(feed.sequence(channelId)).toEqual([1, 2, 3, 4])
  })

  it('bounds the bytes that wait, and the size of one change', async () => {
    await startWriter()
    const { log } = gateway({ limits: { maxPendingBytes: 10_000, maxFrameBytes: 20_000 } })
    await log.append(createChannel({ id: channelId }))
    const big = 'x'.repeat(6_000)
    const first = log.append(post(channelId, big))
    await expect(log.append(post(channelId, big))).rejects.toMatchObject({ code: 'OVERLOADED' })
    await first
    const huge = log.append(post(channelId, 'x'.repeat(30_000)))
    await expect(huge).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  })

  it('passes on that the writer has as much waiting as it may', async () => {
    await startWriter({ limits: { maxPending: 10 } })
    const { log } = gateway()
    await log.append(createChannel({ id: channelId }))
    const results = await Promise.allSettled(
      range(1, 200).map((text) => log.append(post(channelId, `${text}`))),
    )
    const stored = results.filter(({ status }) => status === 'fulfilled')
    const refused = results.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    for (const result of refused) expect(result).toMatchObject({ reason: { code: 'OVERLOADED' } })
    expect(await log.head(channelId)).toBe(stored.length)
  })

  it('cuts a follower that does not read, which then catches up without a hole', async () => {
    await startWriter({ linkLimits: { maxBufferedBytes: 200_000 } })
    const { log: sender } = gateway({ consumer: new Recorder() })
    await sender.append(createChannel({ id: channelId }))
    const { log, link } = gateway()
    await log.follow(channelId)
    const lost = new Promise<string>((resolve) => {
      link.onClose(resolve)
    })
    // Both run in this process: what the writer publishes in one turn cannot be read in between.
    for (const text of range(1, 600)) {
      writer.core.submit(post(channelId, `${text}${'x'.repeat(1_000)}`), 1, () => undefined)
    }
    await lost
    await feed.reached(channelId, 600)
    expect(feed.seqs(channelId)).toEqual(range(1, 600))
  })

  it('reads an entry that is too large for a frame', async () => {
    await startWriter({ maxFrameBytes: 4_000 })
    const { log } = gateway()
    await log.append(createChannel({ id: channelId }))
    await log.follow(channelId)
    const texts = ['small', 'x'.repeat(5_000), 'small', 'small', 'y'.repeat(5_000)]
    const outcomes = await Promise.all(texts.map((text) => log.append(post(channelId, text))))
    expect(outcomes.map(({ seq }) => seq)).toEqual(range(1, 5))
    expect(feed.seqs(channelId)).toEqual(range(1, 5))
    const delivered = feed.entries(channelId).map((entry) => 'message' in entry && entry.message)
    expect(delivered.map((message) => message && message.body.text)).toEqual(texts)
  })

  it('delivers nothing newer, and answers no append, before a gap was read', async () => {
    await startWriter()
    const { log: sender } = gateway({ consumer: new Recorder() })
    await sender.append(createChannel({ id: channelId }))
    let isBlind = true
    const { log, link } = gateway({
      reader: reader((read) => (asked) => {
        if (isBlind) throw new Error('the database is locked')
        return read(asked)
      }),
    })
    await log.follow(channelId)
    link.reset('cut by the test')
    await appendAll(sender, 1_200)
    await connected(log)
    const own = log.append(post(channelId, 'own'))
    const later = await sender.append(post(channelId, 'later'))
    sender.publish({ kind: 'complete', channelId, serverId: 's', messageId: 'last' })
    expect(later.seq).toBeGreaterThan(1_200)
    expect(feed.seqs(channelId)).toEqual([])
    isBlind = false

    const { seq } = await own
    expect(feed.seqs(channelId)).toEqual(range(1, feed.seqs(channelId).length))
    expect(feed.seqs(channelId).length).toBeGreaterThanOrEqual(seq ?? 0)
    await feed.until(() => feed.sequence(channelId).includes('last'))
    // Over a new link what agents do is said anew, in its place.
    const sequence = feed.sequence(channelId)
    expect(sequence.filter((each) => each !== 'activity')).toEqual([...range(1, 1_202), 'last'])
    expect(sequence.length).toBe(1_204)
  })

  it('asks again when the reader does not show yet what was published, and never skips', async () => {
    await startWriter()
    const { log: sender } = gateway({ consumer: new Recorder() })
    await sender.append(createChannel({ id: channelId }))
    let reads = 0
    const { log, link } = gateway({
      reader: reader((read) => (asked) => {
        reads += 1
        // First nothing, then with a hole, then as it is.
        if (reads === 1) return []
        return reads === 2 ? read(asked).filter(({ seq }) => seq !== 3) : read(asked)
      }),
    })
    await log.follow(channelId)
    link.reset('cut by the test')
    await appendAll(sender, 10)
    await feed.reached(channelId, 10)
    expect(feed.seqs(channelId)).toEqual(range(1, 10))
    expect(reads).toBe(3)
  })

  it('reports and stops when the writer serves another life of the database', async () => {
    await startWriter()
    const { reason, diverged } = divergence()
    const { log } = gateway({
      reader: new Proxy(
        reader((read) => read),
        {
          get: (target, key) => (key === 'epoch' ? 'another-life' : Reflect.get(target, key)),
        },
      ),
      onDiverged: diverged,
    })
    const append = log.append(createChannel({ id: channelId }))
    await expect(append).rejects.toMatchObject({ code: 'WRITER_UNAVAILABLE' })
    expect(await reason).toContain('another-life')
    expect(log.isConnected).toBe(false)
    expect(writer.core.engine.channel(channelId)).toBeUndefined()
  })

  it('reports and stops when a channel ends before what was delivered', async () => {
    await startWriter()
    const { reason, diverged } = divergence()
    const { log, link } = gateway({ onDiverged: diverged })
    await log.append(createChannel({ id: channelId }))
    await log.follow(channelId)
    await appendAll(log, 3)
    const { engine } = writer.core
    const head = engine.head.bind(engine)
    engine.head = (id) => Math.min(head(id), 2)
    link.reset('cut by the test')
    expect(await reason).toContain('ends at 2, delivered 3')
    expect(feed.seqs(channelId)).toEqual([1, 2, 3])
  })

  it('waits, and says why, while the writer speaks another version', async () => {
    await startWriter({ protocol: LINK_PROTOCOL_VERSION + 1 })
    const { logger, problem } = loggedProblem()
    const { log } = gateway({ logger })
    expect(await problem).toContain('full restart needed')
    expect(log.isConnected).toBe(false)
    await writer.close()
    await startWriter()
    await connected(log)
  })
})

function divergence(): {
  readonly reason: Promise<string>
  diverged(this: void, why: string): void
} {
  let resolved: (why: string) => void
  const reason = new Promise<string>((resolve) => {
    resolved = resolve
  })
  return { reason, diverged: (why) => resolved(why) }
}
