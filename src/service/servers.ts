import type { ChannelLog } from '../log/log.ts'
import { ChannelError } from '../protocol/errors.ts'
import type { MessageServer } from '../protocol/model.ts'
import { compact } from '../util/compact.ts'
import type { JsonObject } from '../util/json.ts'
import { newId } from '../util/new-id.ts'
import { present } from './refusals.ts'
import type { Sizes } from './sizes.ts'

export interface CreateServerInput {
  /** Chosen by the client; a new one when absent. */
  readonly id?: string | undefined
  readonly name: string
  readonly sourceType: string
  readonly sourceId?: string | undefined
  readonly metadata?: JsonObject | undefined
}

/** The namespaces of channels, and which agents belong to them. */
export class ServerService {
  readonly #log: ChannelLog
  readonly #sizes: Sizes

  constructor(log: ChannelLog, sizes: Sizes) {
    this.#log = log
    this.#sizes = sizes
  }

  list(): Promise<readonly MessageServer[]> {
    return this.#log.servers()
  }

  /** @throws PAYLOAD_TOO_LARGE. */
  async create(input: CreateServerInput): Promise<MessageServer> {
    this.#sizes.checkMetadata(input.metadata)
    const server = compact({
      id: input.id ?? newId(),
      name: input.name,
      sourceType: input.sourceType,
      sourceId: input.sourceId,
      metadata: input.metadata,
    })
    const outcome = await this.#log.append({ type: 'create-server', id: newId(), server })
    return present(outcome.server, 'created server')
  }

  /** Deletes a server with its channels. @throws SERVER_PROTECTED for the default one; SERVER_NOT_FOUND. */
  async remove(serverId: string): Promise<void> {
    await this.#log.append({ type: 'delete-server', id: newId(), serverId })
  }

  /** Ids in order of addition. @throws SERVER_NOT_FOUND. */
  async agents(serverId: string): Promise<readonly string[]> {
    const server = await this.#log.server(serverId)
    if (server === undefined) throw new ChannelError('SERVER_NOT_FOUND')
    return this.#log.serverAgents(serverId)
  }

  /** Idempotent. @throws SERVER_NOT_FOUND. */
  async addAgent(serverId: string, agentId: string): Promise<void> {
    await this.#log.append({ type: 'add-server-agent', id: newId(), serverId, agentId })
  }

  /** Idempotent. @throws SERVER_NOT_FOUND. */
  async removeAgent(serverId: string, agentId: string): Promise<void> {
    await this.#log.append({ type: 'remove-server-agent', id: newId(), serverId, agentId })
  }

  /** Ids of the servers that an agent belongs to. */
  serversOf(agentId: string): Promise<readonly string[]> {
    return this.#log.agentServers(agentId)
  }
}
