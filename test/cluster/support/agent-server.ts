import { Clients } from '../../compat/support/clients.ts'
import type { Client, Payload } from '../../compat/support/client.ts'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import type { ChannelType } from '../../../src/protocol/model.ts'
import { eventually } from './eventually.ts'
import { channelPath, restData } from './rest.ts'
import { startServer } from './server.ts'
import type { TestServer } from './server.ts'
import { workerFolder, workersAt } from './worker-folder.ts'
import type { WorkerFolder } from './worker-folder.ts'

/** A message as REST lists it. */
export interface Listed {
  readonly id: string
  readonly seq: number
  readonly authorId: string
  readonly content: string
  readonly inReplyToRootMessageId: string | null
}

/** More than any channel of these tests holds. */
const PAGE_ROWS = 200

/** A server with agents of a folder of its own, all of which can be spoken to. */
export class AgentServer implements AsyncDisposable {
  readonly server: TestServer
  readonly folder: WorkerFolder
  readonly clients: Clients
  readonly #agents: ReadonlyMap<string, string>

  constructor(server: TestServer, folder: WorkerFolder, agents: ReadonlyMap<string, string>) {
    this.server = server
    this.folder = folder
    this.#agents = agents
    this.clients = new Clients(server.url)
  }

  /** The id of the agent in `<worker>.js`. */
  agent(worker: string): string {
    const id = this.#agents.get(worker)
    if (id === undefined) throw new Error(`no agent in ${worker}`)
    return id
  }

  /** Creates a channel over REST, in which these entities take part. */
  async channel(type: ChannelType, participants: readonly string[]): Promise<string> {
    const { id } = await restData<{ readonly id: string }>(this.server.url, {
      method: 'POST',
      path: '/api/messaging/channels',
      body: {
        name: 'a channel with agents',
        type,
        message_server_id: DEFAULT_SERVER_ID,
        participantCentralUserIds: participants,
      },
    })
    return id
  }

  /** Says something over REST, which outlives connections. */
  async post(channelId: string, authorId: string, content: string): Promise<void> {
    await restData<unknown>(this.server.url, {
      method: 'POST',
      path: `${channelPath(channelId)}/messages`,
      body: { author_id: authorId, content, message_server_id: DEFAULT_SERVER_ID },
    })
  }

  /** A client that has joined the channel. */
  async joined(entityId: string, channelId: string): Promise<Client> {
    const client = await this.clients.connect({ entityId })
    await client.join(channelId)
    return client
  }

  /** Everything that was said in a channel, in its order. */
  async said(channelId: string): Promise<readonly Listed[]> {
    const path = `${channelPath(channelId)}/messages?limit=${PAGE_ROWS}`
    const page = await restData<{ readonly messages: readonly Listed[] }>(this.server.url, { path })
    return page.messages.toReversed()
  }

  /** What an agent answered in a channel, once it has answered so many times. */
  async answers(channelId: string, worker: string, count: number): Promise<readonly Listed[]> {
    let said: readonly Listed[] = []
    return eventually(
      async () => {
        said = await this.said(channelId)
        const answers = said.filter(({ authorId }) => authorId === this.agent(worker))
        return answers.length >= count && answers
      },
      {
        what: `${count} answers of ${worker}`,
        timeoutMs: 60_000,
        explain: () => said.map(({ seq, content }) => `${seq} ${content}`).join('\n'),
      },
    )
  }

  /** Log lines that have all of these fields. */
  lines(where: Payload): readonly Payload[] {
    return this.server.lines.filter((line) =>
      Object.entries(where).every(([name, value]) => line[name] === value),
    )
  }

  /** The first such log line, past or to come. */
  async logged(where: Payload, timeoutMs = 20_000): Promise<Payload> {
    return eventually(() => this.lines(where)[0], {
      what: `the log line ${JSON.stringify(where)}`,
      timeoutMs,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clients[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    await this.folder[Symbol.asyncDispose]()
  }
}

/** Starts a server on these modules; resolves when every agent among them has its inbox. */
export async function startAgents(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<AgentServer> {
  return agentsIn(await workerFolder(files), Object.keys(files).length, environment)
}

/** The same for a folder, which goes with the server, with so many agents in it. */
export async function agentsIn(
  folder: WorkerFolder,
  count: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<AgentServer> {
  const server = await startServer({
    PARLEY_WORKERS_DIR: folder.path,
    PARLEY_GATEWAYS: '2',
    PARLEY_LOG_LEVEL: 'debug',
    ...environment,
  })
  const rows = await eventually(
    async () => {
      const opened = server.lines.filter(({ msg }) => msg === 'inbox opened')
      return opened.length >= count && workersAt(server.url)
    },
    { what: `the inboxes of ${count} agents` },
  )
  const agents = rows.flatMap(({ name, agent }) =>
    agent === null ? [] : ([[name, agent.id]] as const),
  )
  return new AgentServer(server, folder, new Map(agents))
}
