import type { ChannelLog, Guard } from '../log/log.ts'
import { ChannelError } from '../protocol/errors.ts'
import { DEFAULT_SERVER_ID } from '../protocol/limits.ts'
import { isConversation } from '../protocol/model.ts'
import type {
  Channel,
  ChannelDetails,
  ChannelType,
  Participant,
  Visibility,
} from '../protocol/model.ts'
import type { Logger } from '../telemetry/logger.ts'
import { compact } from '../util/compact.ts'
import type { JsonObject } from '../util/json.ts'
import { newId } from '../util/new-id.ts'
import { ownMetadata } from './channel-draft.ts'
import { present, sayingWhichServer } from './refusals.ts'
import type { Sizes } from './sizes.ts'

export interface CreateChannelInput {
  /** Chosen by the client; a new one when absent. */
  readonly id?: string | undefined
  readonly serverId: string
  readonly name: string
  readonly type: ChannelType
  readonly topic?: string | undefined
  /** By type when absent. */
  readonly visibility?: Visibility | undefined
  /** Manages it, and takes part first. */
  readonly ownerId?: string | undefined
  readonly sourceType?: string | undefined
  readonly sourceId?: string | undefined
  readonly metadata?: JsonObject | undefined
  readonly participantIds: readonly string[]
}

/** What to replace; what is undefined stays. `participantIds` replaces the whole set. */
export interface UpdateChannelInput {
  readonly channelId: string
  /** Where given, a channel that is hidden from this entity when the log gets to it does not exist. */
  readonly visibleTo?: string | undefined
  readonly name?: string | undefined
  readonly topic?: string | undefined
  readonly visibility?: Visibility | undefined
  readonly metadata?: JsonObject | undefined
  readonly participantIds?: readonly string[] | undefined
  /** Where given, nobody comes into a conversation, and nobody but this entity goes. */
  readonly asParty?: string | undefined
}

export interface DmInput {
  readonly userId: string
  readonly targetId: string
  /** An unknown server counts as the default one, as in elizaOS. */
  readonly serverId?: string | undefined
}

/** The log knows which of them are agents of the server. */
function asParticipants(ids: readonly string[]): Participant[] {
  return ids.map((entityId) => ({ entityId, isAgent: false }))
}

/** @throws INVALID_PAYLOAD: what named people say to each other is never shown to everybody. */
function requireVisibility(type: ChannelType, visibility: Visibility | undefined): void {
  if (visibility !== 'public' || !isConversation(type)) return
  throw new ChannelError('INVALID_PAYLOAD', `A ${type} channel cannot be public`)
}

/** What may be done with channels. */
export class ChannelService {
  readonly #log: ChannelLog
  readonly #logger: Logger
  readonly #sizes: Sizes

  constructor(log: ChannelLog, logger: Logger, sizes: Sizes) {
    this.#log = log
    this.#logger = logger
    this.#sizes = sizes
  }

  /**
   * @throws CHANNEL_EXISTS when the chosen id is in use; SERVER_NOT_FOUND; PAYLOAD_TOO_LARGE;
   * INVALID_PAYLOAD for a DM that is to be public.
   */
  async create(input: CreateChannelInput): Promise<ChannelDetails> {
    const { serverId, ownerId, participantIds } = input
    requireVisibility(input.type, input.visibility)
    const metadata = this.#ownMetadata(input.metadata ?? {})
    const channel = compact({
      id: input.id ?? newId(),
      serverId,
      name: input.name,
      type: input.type,
      topic: input.topic,
      visibility: input.visibility,
      ownerId,
      sourceType: input.sourceType,
      sourceId: input.sourceId,
      metadata,
      participants: asParticipants(
        ownerId === undefined ? participantIds : [ownerId, ...participantIds],
      ),
    })
    const outcome = await sayingWhichServer(
      serverId,
      this.#log.append({ type: 'create-channel', id: newId(), channel }),
    )
    return this.#created(present(outcome.channel, 'created channel'))
  }

  /** The one DM channel of two entities on a server, however many ask for it at once. */
  async getOrCreateDm(input: DmInput): Promise<ChannelDetails> {
    const serverId = await this.#knownServer(input.serverId)
    const [user1, user2] =
      input.userId < input.targetId
        ? [input.userId, input.targetId]
        : [input.targetId, input.userId]
    const outcome = await this.#log.append({
      type: 'get-or-create-dm',
      id: newId(),
      channel: {
        id: newId(),
        serverId,
        name: `DM-${user1}-${user2}`,
        type: 'DM',
        metadata: { user1, user2 },
        participants: asParticipants([user1, user2]),
      },
    })
    const channel = present(outcome.channel, 'DM channel')
    return outcome.isCreated === true ? this.#created(channel) : channel
  }

  /** @throws CHANNEL_NOT_FOUND. */
  async get(channelId: string): Promise<ChannelDetails> {
    const channel = await this.#log.channel(channelId)
    if (channel === undefined) throw new ChannelError('CHANNEL_NOT_FOUND')
    return channel
  }

  /** In order of creation; of all servers when none is named, and only those that `visibleTo` may see. */
  list(serverId?: string, visibleTo?: string): Promise<readonly Channel[]> {
    return this.#log.channels(serverId, visibleTo)
  }

  /**
   * @throws CHANNEL_NOT_FOUND; PAYLOAD_TOO_LARGE; INVALID_PAYLOAD for a DM that is to be public;
   * TOO_MANY_PARTICIPANTS; ACCESS_DENIED where `asParty` forbids it.
   */
  async update(input: UpdateChannelInput): Promise<ChannelDetails> {
    if (input.visibility === 'public') {
      // A channel's type never changes, so what is read here still holds when the change is applied.
      requireVisibility((await this.get(input.channelId)).type, input.visibility)
    }
    const outcome = await this.#log.append(
      compact({
        type: 'update-channel' as const,
        id: newId(),
        channelId: input.channelId,
        name: input.name,
        topic: input.topic,
        visibility: input.visibility,
        visibleTo: input.visibleTo,
        asParty: input.asParty,
        metadata: input.metadata && this.#ownMetadata(input.metadata),
        participants: input.participantIds && [...new Set(input.participantIds)],
      }),
    )
    return present(outcome.channel, 'updated channel')
  }

  /** Deletes a channel with its messages and participants; absent before is no error without a guard. */
  async remove(channelId: string, guard: Guard = {}): Promise<void> {
    await this.#log.append({ type: 'delete-channel', id: newId(), channelId, ...guard })
  }

  /** @throws PAYLOAD_TOO_LARGE. */
  #ownMetadata(metadata: JsonObject): JsonObject {
    const own = ownMetadata(metadata)
    this.#sizes.checkMetadata(own)
    return own
  }

  #created(channel: ChannelDetails): ChannelDetails {
    const { id: channelId, serverId, type } = channel
    this.#logger.info({ channelId, serverId, type }, 'channel created')
    return channel
  }

  async #knownServer(serverId: string | undefined): Promise<string> {
    if (serverId === undefined) return DEFAULT_SERVER_ID
    const server = await this.#log.server(serverId)
    return server?.id ?? DEFAULT_SERVER_ID
  }
}
