import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { changeAtRandom, Changer, seeded } from './support/changes.ts'
import { byGateway, killAtOnce, openRun, RESUME_ANY_GAP } from './support/run.ts'
import type { Run } from './support/run.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

const GATEWAYS = 4

let server: TestServer

beforeAll(async () => {
  server = await startServer({ PARLEY_GATEWAYS: String(GATEWAYS), ...RESUME_ANY_GAP })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

/** Kills one gateway for good and waits until another one took its place. */
async function killGateway(pid: number | undefined): Promise<void> {
  await server.healed(killAtOnce(pid))
}

/** Names of the clients that lost a connection, and of those that must have. */
function lost(run: Run): string[] {
  return run.clients
    .filter(({ journal }) => journal.count('disconnected') > 0)
    .map(({ name }) => name)
}

describe('kill -9 of a gateway in mid-load', { timeout: TEST_TIMEOUT_MS }, () => {
  it('loses, doubles and reorders nothing, and clients of other gateways notice nothing', async () => {
    await using run = await openRun(server.url, {
      name: 'websocket',
      clientCount: 16,
      channelCount: 4,
      transports: ['websocket', 'upgrade'],
      load: { messagesPerSender: 250, windowSize: 8 },
    })
    await Promise.all(run.clients.map((client) => client.onWebSocket()))
    const groups = [...byGateway(run.clients).values()]
    expect(groups).toHaveLength(GATEWAYS)
    run.load.start()
    await run.load.reached(0.4)
    await server.kill('gateway')
    const { violations, evidence } = await run.judge(server)

    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
    expect(evidence.repeated).toBeGreaterThan(0)
    // Exactly the clients of one gateway lost their connection, each once.
    const gone = lost(run)
    const victims = groups.filter((group) => group.some(({ name }) => gone.includes(name)))
    expect(victims).toHaveLength(1)
    expect(gone).toEqual(victims.flat().map(({ name }) => name))
    expect(evidence.disconnects).toBe(gone.length)
    await server.healed()
  })

  it('loses nothing when different gateways die one after the other, over all transports', async () => {
    await using run = await openRun(server.url, {
      name: 'mixed',
      clientCount: 16,
      channelCount: 4,
      load: { messagesPerSender: 250, windowSize: 8 },
    })
    const [first, second] = await server.pids('gateway')
    run.load.start()
    await run.load.reached(0.25)
    await killGateway(first)
    await run.load.reached(0.6)
    await killGateway(second)
    const { violations, evidence } = await run.judge(server)

    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
    expect(evidence.recovered).toBeGreaterThan(0)
    expect(evidence.repeated).toBeGreaterThan(0)
  })

  it('keeps edits, deletions and clears exact while a gateway dies', async () => {
    await using run = await openRun(server.url, {
      name: 'changed',
      clientCount: 12,
      channelCount: 3,
      load: { messagesPerSender: 300, windowSize: 6 },
    })
    let isOver = false
    const changers = [0, 1, 2].map((index) => new Changer(server.url, `changer-${index}`))
    const changing = changers.map((changer, index) =>
      changeAtRandom(
        changer,
        // Nobody edits what another one edits.
        () => run.load.acknowledged.filter((_, at) => at % changers.length === index),
        { isOver: () => isOver, pick: seeded(index) },
      ),
    )
    run.load.start()
    await run.load.reached(0.3)
    await changers[0]?.clear(run.channels[0] ?? '')
    await run.load.reached(0.5)
    await server.kill('gateway')
    await run.load.reached(0.8)
    await changers[1]?.clear(run.channels[1] ?? '')
    await run.load.done()
    isOver = true
    await Promise.all(changing)
    const journals = changers.map(({ journal }) => journal)
    const { violations, evidence } = await run.judge(server, journals)

    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ unrecovered: 0, refused: 0 })
    const confirmed = (change: string): number =>
      journals.flatMap((journal) => journal.all('asked')).filter((asked) => asked.change === change)
        .length
    expect(confirmed('clear')).toBe(2)
    expect(confirmed('edit')).toBeGreaterThan(20)
    expect(confirmed('delete')).toBeGreaterThan(20)
    await server.healed()
  })
})
