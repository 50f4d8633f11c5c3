import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Journal } from './journal.ts'
import { Load, quiesce } from './load.ts'
import type { LoadOptions } from './load.ts'
import { judgeServer } from './oracle.ts'
import type { Place, Verdict } from './oracle.ts'
import { createChannel } from './rest.ts'
import { openClients } from './sockets.ts'
import type { ClientOptions, TestClient, Transport } from './sockets.ts'

/** For runs in which a client may miss a lot: nobody is to be told to fetch history instead. */
export const RESUME_ANY_GAP = { PARLEY_MAX_RESUME_ENTRIES: '100000' } as const

/** Websocket-only, polling-only, and the stock client's polling with upgrade. */
const MIX: readonly Transport[] = ['websocket', 'upgrade', 'polling', 'websocket']

export interface RunOptions {
  /** Begins the names of the run's channels and clients. */
  readonly name: string
  readonly clientCount: number
  readonly channelCount: number
  /** `MIX` in turn when absent. */
  readonly transports?: readonly Transport[]
  readonly load: LoadOptions
}

/** Clients over shared channels, the load they make, and the verdict on it. */
export class Run implements AsyncDisposable {
  readonly channels: readonly string[]
  readonly clients: readonly TestClient[]
  readonly load: Load

  constructor(channels: readonly string[], clients: readonly TestClient[], load: LoadOptions) {
    this.channels = channels
    this.clients = clients
    this.load = new Load(clients, load)
  }

  get journals(): readonly Journal[] {
    return this.clients.map(({ journal }) => journal)
  }

  /** Waits until all is acknowledged and everyone has seen the last of it, then judges. */
  async judge(place: Place, others: readonly Journal[] = []): Promise<Verdict> {
    await this.load.done()
    const marker = await quiesce(place.url, this.clients)
    return judgeServer(place, [...this.journals, marker, ...others], this.channels)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.clients.map((client) => client[Symbol.asyncDispose]()))
  }
}

/** Creates the channels and connects the clients; each is in two of the channels, side by side. */
export async function openRun(url: string, options: RunOptions): Promise<Run> {
  const { name, clientCount, channelCount, transports = MIX, load } = options
  const channels = Array.from({ length: channelCount }, (_, index) => `${name}-room-${index}`)
  for (const channelId of channels) await createChannel(url, channelId)
  const clients = Array.from({ length: clientCount }, (_, index): ClientOptions => {
    const own = [index, index + 1].map((place) => channels[place % channelCount])
    return {
      url,
      name: `${name}-${index}`,
      transport: transports[index % transports.length] ?? 'websocket',
      channels: [...new Set(own.filter((channelId) => channelId !== undefined))],
    }
  })
  return new Run(channels, await openClients(clients), load)
}

/** The clients by the gateway that serves them now. */
export function byGateway(clients: readonly TestClient[]): Map<string, TestClient[]> {
  const groups = new Map<string, TestClient[]>()
  for (const client of clients) {
    groups.set(client.gatewayId, [...(groups.get(client.gatewayId) ?? []), client])
  }
  return groups
}

/** Kills processes with -9, all in one moment, and answers their ids. */
export function killAtOnce(...pids: readonly (number | undefined)[]): number[] {
  // Node takes 0 for the whole process group, the test's own included.
  const known = pids.filter((pid): pid is number => pid !== undefined && pid > 0)
  if (known.length < pids.length) throw new Error('a process to kill is not running')
  for (const pid of known) process.kill(pid, 'SIGKILL')
  return known
}

/** A data directory that outlives the servers on it. */
export async function temporaryDataDir(): Promise<AsyncDisposable & { readonly path: string }> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'parley-cluster-'))
  return {
    path: dataDir,
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
  }
}
