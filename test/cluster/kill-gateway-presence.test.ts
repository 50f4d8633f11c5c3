import { describe, expect, it } from 'vitest'
import { TEST_TIMEOUT_MS } from './support/deadline.ts'
import { eventually } from './support/eventually.ts'
import { channelPath, restData } from './support/rest.ts'
import { byGateway } from './support/run.ts'
import { startServer } from './support/server.ts'
import { openClients } from './support/sockets.ts'
import type { TestClient } from './support/sockets.ts'

const GATEWAYS = 3
const CHANNEL = 'lobby'
/** Milliseconds within which the entities of a killed gateway are gone for everyone. */
const LEAVING_MS = 5_000

interface PresenceEvent {
  readonly channelId: string
  readonly entityId: string
  readonly isPresent: boolean
}

/** Who left the channel, as this client was told. */
function leaversSeenBy(client: TestClient): Set<string> {
  const leavers = new Set<string>()
  client.socket.on('presence', ({ entityId, isPresent }: PresenceEvent) => {
    if (isPresent) leavers.delete(entityId)
    else leavers.add(entityId)
  })
  return leavers
}

async function present(url: string): Promise<string[]> {
  const { entities } = await restData<{ entities: string[] }>(url, {
    path: `${channelPath(CHANNEL)}/presence`,
  })
  return entities.toSorted()
}

/** Nine guests, on all gateways. */
async function openGuests(url: string, mayReconnect: boolean): Promise<readonly TestClient[]> {
  const clients = await openClients(
    Array.from({ length: 9 }, (_, index) => ({
      url,
      name: `guest-${index}`,
      transport: 'websocket' as const,
      channels: [CHANNEL],
      mayReconnect,
    })),
  )
  expect(byGateway(clients).size).toBe(GATEWAYS)
  return clients
}

const namesOf = (clients: readonly TestClient[]): string[] =>
  clients.map(({ name }) => name).toSorted()

describe('presence after kill -9 of a gateway', { timeout: TEST_TIMEOUT_MS }, () => {
  it('lets exactly its entities leave, for the others and for REST', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: String(GATEWAYS) })
    const { url } = server
    // Whoever came back at once would be present again.
    const clients = await openGuests(url, false)
    await eventually(async () => (await present(url)).length === clients.length, {
      what: 'everyone present',
    })
    const leavers = new Map(clients.map((client) => [client, leaversSeenBy(client)]))

    await server.kill('gateway')
    await eventually(() => clients.some(({ socket }) => !socket.connected), {
      what: 'connections that break',
    })
    const stayed = await eventually(
      async () => {
        const connected = clients.filter(({ socket }) => socket.connected)
        const left = namesOf(clients.filter((client) => !connected.includes(client)))
        const areAllTold = connected.every((client) => {
          const told = [...(leavers.get(client) ?? [])].toSorted()
          return JSON.stringify(told) === JSON.stringify(left)
        })
        const isRestTold = JSON.stringify(await present(url)) === JSON.stringify(namesOf(connected))
        return areAllTold && isRestTold ? connected : undefined
      },
      {
        what: 'the leave of everyone on the killed gateway, and of nobody else',
        timeoutMs: LEAVING_MS,
        explain: () =>
          [...leavers].map(([{ name }, told]) => `${name}: ${[...told].join(' ')}`).join('\n'),
      },
    )
    expect(stayed.length).toBeGreaterThan(0)
    expect(stayed.length).toBeLessThan(clients.length)

    // Nothing changes for those who stayed once the gateway is replaced.
    await server.healed()
    expect(await present(url)).toEqual(namesOf(stayed))
    for (const client of clients) await client[Symbol.asyncDispose]()
  })

  it('shows the entities again when their clients reconnect', async () => {
    await using server = await startServer({ PARLEY_GATEWAYS: String(GATEWAYS) })
    const { url } = server
    const clients = await openGuests(url, true)
    await server.kill('gateway')
    await eventually(
      () =>
        clients.some(({ journal }) => journal.count('disconnected') > 0) &&
        clients.every(({ socket }) => socket.connected),
      { what: 'everyone connected again' },
    )
    await eventually(
      async () => JSON.stringify(await present(url)) === JSON.stringify(namesOf(clients)),
      { what: 'everyone present again' },
    )
    for (const client of clients) await client[Symbol.asyncDispose]()
  })
})
