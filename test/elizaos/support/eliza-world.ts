import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as index from '../../../src/index.ts'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import type { ChannelType } from '../../../src/protocol/model.ts'
import { Clients } from '../../compat/support/clients.ts'
import type { Client } from '../../compat/support/client.ts'
import { channelPath, restData } from '../../cluster/support/rest.ts'
import { ENTRY } from '../../cluster/support/server.ts'

/** The package under test, as it is built: its server's executable lies beside it. */
type Package = typeof index

export const INDEX = pathToFileURL(path.join(path.dirname(ENTRY), 'index.js')).href

export async function importPackage(): Promise<Package> {
  const built: Package = await import(INDEX)
  return built
}

export const SETTINGS = {
  PARLEY_GATEWAYS: '1',
  PARLEY_AGENT_HOSTS: '0',
  PARLEY_DRAIN_MS: '2000',
  PARLEY_LOG_LEVEL: 'silent',
} as const

export interface Said {
  readonly id: string
  readonly authorId: string
  readonly content: string
}

/** What became of a message. */
export interface Asked {
  readonly ann: Client
  readonly channelId: string
  readonly messageId: unknown
}

/** What clients do at a server of runtimes. */
export class Visitors implements AsyncDisposable {
  readonly url: string
  readonly clients: Clients

  constructor(url: string) {
    this.url = url
    this.clients = new Clients(url)
  }

  /** Creates a channel in which these take part. */
  async channel(type: ChannelType, participants: readonly string[]): Promise<string> {
    const { id } = await restData<{ readonly id: string }>(this.url, {
      method: 'POST',
      path: '/api/messaging/channels',
      body: {
        name: 'a channel with runtimes',
        type,
        message_server_id: DEFAULT_SERVER_ID,
        participantCentralUserIds: participants,
      },
    })
    return id
  }

  async joined(entityId: string, channelId: string, more: object = {}): Promise<Client> {
    const client = await this.clients.connect({ entityId })
    await client.join(channelId, more)
    return client
  }

  /** A message to one of them, alone with it, up to the end of what it says about it. */
  async asked(agentId: string, text: string): Promise<Asked> {
    const channelId = await this.channel('DM', ['ann', agentId])
    const ann = await this.joined('ann', channelId)
    const { messageId } = await ann.send(channelId, text)
    await ann.saw('messageComplete', { messageId })
    return { ann, channelId, messageId }
  }

  /** Everything that was said in a channel, in its order. */
  async said(channelId: string): Promise<readonly Said[]> {
    const { messages } = await restData<{ readonly messages: readonly Said[] }>(this.url, {
      path: `${channelPath(channelId)}/messages`,
    })
    return messages.toReversed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clients[Symbol.asyncDispose]()
  }
}

/** A started `AgentServer` of this process, with data of its own. */
export class ElizaWorld extends Visitors {
  readonly server: InstanceType<Package['AgentServer']>
  readonly #dataDir: string

  constructor(server: InstanceType<Package['AgentServer']>, dataDir: string) {
    super(server.url ?? '')
    this.server = server
    this.#dataDir = dataDir
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    await this.server.stop()
    await rm(this.#dataDir, { recursive: true, force: true })
  }
}

export async function temporaryData(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'parley-elizaos-'))
}

export async function startWorld(
  settings: Readonly<Record<string, string>> = {},
): Promise<ElizaWorld> {
  const { AgentServer } = await importPackage()
  const dataDir = await temporaryData()
  const server = new AgentServer()
  await server.initialize({ dataDir, settings: { ...SETTINGS, ...settings } })
  await server.start(0)
  return new ElizaWorld(server, dataDir)
}
