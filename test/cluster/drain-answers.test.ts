import { describe, expect, it } from 'vitest'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import type { Journal } from './support/journal.ts'
import { KeepAliveLoad } from './support/keep-alive-load.ts'
import { quiesce } from './support/load.ts'
import { judgeServer } from './support/oracle.ts'
import { createChannel } from './support/rest.ts'
import { RESUME_ANY_GAP, temporaryDataDir } from './support/run.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'
import { openClients } from './support/sockets.ts'
import type { TestClient, Transport } from './support/sockets.ts'
import { SteadyLoad } from './support/steady-load.ts'
import { readTruth } from './support/truth.ts'

const CHANNELS = ['answered-0', 'answered-1']
const TRANSPORTS: readonly Transport[] = ['websocket', 'upgrade', 'websocket', 'polling']

function startOn(dataDir: string, port = 0): Promise<TestServer> {
  return startServer(
    {
      PARLEY_GATEWAYS: '2',
      PARLEY_DRAIN_MS: '8000',
      PARLEY_PORT: String(port),
      ...RESUME_ANY_GAP,
    },
    { dataDir },
  )
}

/** Clients that stay away once their connection is closed. */
async function openSenders(url: string, count: number): Promise<readonly TestClient[]> {
  for (const channelId of CHANNELS) await createChannel(url, channelId)
  return openClients(
    Array.from({ length: count }, (_, index) => ({
      url,
      name: `sender-${index}`,
      transport: TRANSPORTS[index % TRANSPORTS.length] ?? 'websocket',
      channels: CHANNELS,
      mayReconnect: false,
    })),
  )
}

function idsOf(journals: readonly Journal[], what: 'sent' | 'acked'): string[] {
  const ids = journals.flatMap((journal) =>
    journal.all(what).map(({ clientMessageId }) => clientMessageId),
  )
  return [...new Set(ids)].toSorted()
}

/** The client's ids of everything that is stored. */
async function storedIds(server: TestServer): Promise<string[]> {
  const truths = await readTruth(server, CHANNELS)
  const ids = truths.flatMap(({ stored }) => stored.map(({ clientMessageId }) => clientMessageId))
  return ids.filter((id) => id !== undefined).toSorted()
}

describe('SIGTERM among senders', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each([
    { senders: 'in a closed loop', windowSize: 1 },
    { senders: 'with eight in flight', windowSize: 8 },
  ])(
    'answers everything that it takes and takes nothing that it does not answer, $senders',
    async ({ windowSize }) => {
      await using data = await temporaryDataDir()
      const first = await startOn(data.path)
      const clients = await openSenders(first.url, 24)
      const calls = new KeepAliveLoad({
        url: first.url,
        name: 'caller',
        channels: CHANNELS,
        connections: 10,
        maxPauseMs: 50,
      })
      using sends = new SteadyLoad(clients, { windowSize, everyMs: 20 })
      await sends.more(500)
      expect(await first.stop()).toEqual({ code: 0, signal: null })
      await calls.finish()
      await eventually(() => clients.every(({ socket }) => !socket.connected), {
        what: 'the end of all connections',
      })
      const journals = [...clients.map(({ journal }) => journal), ...calls.journals]
      const acknowledged = idsOf(journals, 'acked')
      const sentCount = idsOf(journals, 'sent').length

      await using second = await startOn(data.path, first.port)
      // Nothing was answered that is not stored, and nothing stored whose sender had no answer.
      expect(await storedIds(second)).toEqual(acknowledged)
      // What was sent into the closing connection is sent again, with its id, and stored once.
      expect(sentCount).toBeGreaterThan(acknowledged.length)
      for (const { socket } of clients) {
        socket.io.reconnection(true)
        socket.connect()
      }
      await sends.finish()
      const marker = await quiesce(second.url, clients)
      const { violations, evidence } = await judgeServer(second, [...journals, marker], CHANNELS)
      expect(violations).toEqual([])
      expect(evidence).toMatchObject({ refused: 0, disconnects: clients.length })
      for (const { socket } of clients) socket.disconnect()
    },
  )
})
