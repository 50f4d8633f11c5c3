import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { openRun, RESUME_ANY_GAP } from './support/run.ts'
import type { Run } from './support/run.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { openStalledReader } from './support/stalled-reader.ts'
import type { StalledReader } from './support/stalled-reader.ts'
import { SteadyLoad } from './support/steady-load.ts'

/** In the suite a few for a moment; `TEST_STALLED_READERS=200 TEST_STALLED_SECONDS=120` is the whole of it, and prints what it saw. */
const READERS = Number(process.env['TEST_STALLED_READERS'] ?? 40)
const SECONDS = Number(process.env['TEST_STALLED_SECONDS'] ?? 0)
/** The long run opens its readers anew this often: those that were cut off do not come back by themselves. */
const ANEW_EVERY_SECONDS = 20

const ROOM = 'busy-room-0'
const MAX_QUEUE_BYTES = 262_144
const TOO_SLOW = 'reader too slow, connection closed'
/** A close frame with 4001. */
const CUT_OFF = '\u000F\u00A1reader too slow'

/** Kilobytes of memory of each process, by its role and number. */
async function memoryOf(server: TestServer): Promise<Map<string, number>> {
  const processes = await server.processes()
  const sizes = processes.map(async ({ role, pid }): Promise<[string, number]> => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    return [`${role} ${pid}`, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])]
  })
  return new Map(await Promise.all(sizes))
}

/** Milliseconds from sending to arrival, 99th percentile, of what was sent between two moments. */
function p99Ms(run: Run, fromUs: number, untilUs: number): number {
  const sentAtUs = new Map(
    run.journals.flatMap((journal) =>
      journal.all('sent').map(({ clientMessageId, atUs }) => [clientMessageId, atUs] as const),
    ),
  )
  const delays = run.journals.flatMap((journal) =>
    journal.all('entry').flatMap(({ text = '', atUs }) => {
      const sentUs = sentAtUs.get(text.replace(/^(\S+) #(\d+).*$/, '$1-$2')) ?? 0
      return sentUs >= fromUs && sentUs < untilUs ? [(atUs - sentUs) / 1_000] : []
    }),
  )
  return delays.toSorted((one, other) => one - other)[Math.floor(delays.length * 0.99)] ?? 0
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const nowUs = (): number => Number(process.hrtime.bigint() / 1000n)

function cutCount(server: TestServer): number {
  return server.lines.filter(({ msg }) => msg === TOO_SLOW).length
}

async function openReaders(server: TestServer): Promise<readonly StalledReader[]> {
  return Promise.all(Array.from({ length: READERS }, () => openStalledReader(server.port, ROOM)))
}

function close(readers: readonly StalledReader[]): void {
  for (const reader of readers) reader[Symbol.dispose]()
}

/** Two minutes of it: what each process holds, and what the others feel. */
async function watchLong(server: TestServer, run: Run): Promise<void> {
  const quietFromUs = nowUs()
  await delay(ANEW_EVERY_SECONDS * 1_000)
  say(`p99 without stalled readers: ${p99Ms(run, quietFromUs, nowUs()).toFixed(1)} ms`)
  let readers = await openReaders(server)
  const stalledFromUs = nowUs()
  for (let second = 0; second < SECONDS; second += 10) {
    if (second > 0 && second % ANEW_EVERY_SECONDS === 0) {
      close(readers)
      readers = await openReaders(server)
    }
    await delay(10_000)
    const sizes = [...(await memoryOf(server))].map(
      ([name, kb]) => `${name} ${Math.round(kb / 1_024)} MB`,
    )
    say(`${second + 10} s: cut off ${cutCount(server)}; ${sizes.join(', ')}`)
  }
  const p99 = p99Ms(run, stalledFromUs, nowUs() - 1_000_000)
  say(`p99 with ${READERS} stalled readers: ${p99.toFixed(1)} ms`)
  close(readers)
}

it(
  'readers that do not read are cut off at the bound of their queue; the others get everything',
  { timeout: TEST_TIMEOUT_MS + 2_000 * SECONDS },
  async () => {
    await using server = await startServer({
      PARLEY_GATEWAYS: '2',
      PARLEY_MAX_QUEUE_BYTES: String(MAX_QUEUE_BYTES),
      ...RESUME_ANY_GAP,
    })
    await using run = await openRun(server.url, {
      name: 'busy',
      clientCount: 6,
      channelCount: 1,
      transports: ['websocket'],
      load: { messagesPerSender: 0, windowSize: 1 },
    })
    expect(run.channels).toEqual([ROOM])
    using sends = new SteadyLoad(run.clients.slice(0, 3), {
      windowSize: 4,
      everyMs: SECONDS > 0 ? 100 : 50,
      paddingChars: 8_000,
    })
    await sends.more(50)
    if (SECONDS > 0) await watchLong(server, run)
    const before = await memoryOf(server)
    const cutBefore = cutCount(server)
    const readers = await openReaders(server)
    const sleeper = await openStalledReader(server.port, ROOM)
    await eventually(() => cutCount(server) > cutBefore + READERS, {
      what: `${READERS + 1} readers that are cut off`,
      timeoutMs: 60_000,
      explain: () => `${cutCount(server) - cutBefore} were; ${sends.acknowledgedCount} messages`,
    })
    await sends.finish()
    const after = await memoryOf(server)
    // Whoever reads again in time learns why.
    expect(await sleeper.wakeUp()).toContain(CUT_OFF)
    close(readers)
    const { violations, evidence } = await run.judge(server)

    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ disconnects: 0, refused: 0, repeated: 0 })
    const boundKb = (MAX_QUEUE_BYTES / 1_024) * READERS + 100 * 1_024
    for (const [name, kb] of after) expect(kb - (before.get(name) ?? 0), name).toBeLessThan(boundKb)
    const connections = (await server.processes()).map((one) => one.connections)
    expect(connections.reduce((sum, one) => sum + one, 0)).toBe(run.clients.length)
  },
)
