import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeferred } from '../../src/util/deferred.ts'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import type { Recorded } from './support/journal.ts'
import { Load, quiesce } from './support/load.ts'
import { judgeServer } from './support/oracle.ts'
import { createChannel, restData } from './support/rest.ts'
import { byGateway, openRun } from './support/run.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { openClients, TestClient } from './support/sockets.ts'
import { readHistory } from './support/truth.ts'

const GATEWAYS = 4
/** Connections tried until two are on different gateways. */
const MAX_CONNECTIONS = 32

let server: TestServer

beforeAll(async () => {
  server = await startServer({ PARLEY_GATEWAYS: String(GATEWAYS) })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

const seenBy = ({ journal }: TestClient) =>
  journal.all('entry').map(({ seq, messageId, senderId }) => ({ seq, messageId, senderId }))

const counts = (records: readonly Recorded[]) => ({
  sent: records.filter(({ what }) => what === 'sent').length,
  seen: records.filter(({ what }) => what === 'entry').length,
})

/** Two clients of which no gateway serves both. */
async function openOnTwoGateways(channelId: string): Promise<[TestClient, TestClient]> {
  const options = { url: server.url, transport: 'websocket', channels: [channelId] } as const
  const first = await new TestClient({ ...options, name: 'ann' }).open()
  for (let attempt = 0; attempt < MAX_CONNECTIONS; attempt += 1) {
    const second = await new TestClient({ ...options, name: 'bob' }).open()
    if (second.gatewayId !== first.gatewayId) return [first, second]
    await second[Symbol.asyncDispose]()
  }
  throw new Error(`${MAX_CONNECTIONS} connections all reached ${first.gatewayId}`)
}

describe('delivery over several gateways', { timeout: TEST_TIMEOUT_MS }, () => {
  it('shows two senders on different gateways one order, their own messages included', async () => {
    await createChannel(server.url, 'one-order')
    const [ann, bob] = await openOnTwoGateways('one-order')
    await using _ann = ann
    await using _bob = bob
    const load = new Load([ann, bob], { messagesPerSender: 1_000, windowSize: 16 }).start()
    await load.done()
    const marker = await quiesce(server.url, [ann, bob])

    const history = await readHistory(server.url, 'one-order')
    expect(history).toHaveLength(2_001)
    expect(seenBy(ann)).toEqual(
      history.map(({ seq, id, authorId }) => ({ seq, messageId: id, senderId: authorId })),
    )
    expect(seenBy(bob)).toEqual(seenBy(ann))
    // Both senders' messages lie between each other's, or one order would be no feat.
    const turns = history.filter(({ authorId }, at) => authorId !== history[at - 1]?.authorId)
    expect(turns.length).toBeGreaterThan(20)
    const { violations } = await judgeServer(
      server,
      [ann.journal, bob.journal, marker],
      ['one-order'],
    )
    expect(violations).toEqual([])
  })

  it('loses, doubles and reorders nothing under load, whatever the transport', async () => {
    await using run = await openRun(server.url, {
      name: 'mixed',
      clientCount: 16,
      channelCount: 4,
      load: { messagesPerSender: 300, windowSize: 8 },
    })
    expect(byGateway(run.clients).size).toBe(GATEWAYS)
    run.load.start()
    const { violations, evidence } = await run.judge(server)
    expect(violations).toEqual([])
    expect(evidence).toMatchObject({ disconnects: 0, repeated: 0, refused: 0 })
    expect(evidence.acknowledged).toBe(16 * 300 + 4)
  })

  it('goes on without gap or doublet while connections upgrade from polling to websocket', async () => {
    await createChannel(server.url, 'upgrading')
    const { url } = server
    const channels = ['upgrading']
    const gates = Array.from({ length: 24 }, () => createDeferred<undefined>())
    const clients = await openClients([
      { url, name: 'steady', transport: 'websocket', channels },
      ...gates.map(({ promise: upgradeWhen }, index) => {
        const name = `upgrading-${index}`
        return { url, name, transport: 'upgrade' as const, channels, upgradeWhen }
      }),
    ])
    const load = new Load(clients, { messagesPerSender: 120, windowSize: 6 }).start()
    for (const [index, gate] of gates.entries()) {
      await load.reached((0.7 * (index + 1)) / gates.length)
      gate.resolve(undefined)
    }
    await load.done()
    const marker = await quiesce(url, clients)

    const journals = clients.map(({ journal }) => journal)
    const { violations } = await judgeServer(server, [...journals, marker], channels)
    expect(violations).toEqual([])
    const upgrades = clients.slice(1).map(({ journal }) => {
      const at = journal.records.findIndex(({ what }) => what === 'upgraded')
      return {
        at,
        disconnects: journal.count('disconnected'),
        before: counts(journal.records.slice(0, at)),
        after: counts(journal.records.slice(at)),
      }
    })
    expect(upgrades.filter(({ at }) => at === -1)).toEqual([])
    expect(upgrades.filter(({ disconnects }) => disconnects > 0)).toEqual([])
    const isInMidLoad = ({ before, after }: (typeof upgrades)[number]): boolean =>
      before.sent > 0 && before.seen > 0 && after.sent > 0 && after.seen > 0
    expect(upgrades.filter(isInMidLoad).length).toBeGreaterThan(12)
    for (const client of clients) await client[Symbol.asyncDispose]()
  })

  it('makes one channel of a hundred sends that race to create it from all gateways', async () => {
    const { url } = server
    const channelId = 'raced'
    const clients = await openClients(
      Array.from({ length: 100 }, (_, index) => ({
        url,
        name: `racer-${index}`,
        transport: 'websocket' as const,
        channels: [channelId],
      })),
    )
    expect(byGateway(clients).size).toBe(GATEWAYS)
    const load = new Load(clients, { messagesPerSender: 1, windowSize: 1 }).start()
    await load.done()

    const history = await readHistory(url, channelId)
    expect(history.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1))
    const { channels } = await restData<{ channels: { id: string }[] }>(url, {
      path: '/api/messaging/channels',
    })
    expect(channels.filter(({ id }) => id === channelId)).toHaveLength(1)
    await Promise.all(clients.map((client) => client.reached(channelId, 100)))
    const { violations } = await judgeServer(
      server,
      clients.map(({ journal }) => journal),
      [channelId],
    )
    expect(violations).toEqual([])
    const created = server.lines.filter(
      (line) => line['msg'] === 'channel created' && line['channelId'] === channelId,
    )
    expect(created).toHaveLength(1)
    for (const client of clients) await client[Symbol.asyncDispose]()
  })
})
