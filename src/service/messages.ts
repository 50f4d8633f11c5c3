import type {
  ChannelDraft,
  ChannelLog,
  Guard,
  MessagePage,
  MessageQuery,
  Outcome,
} from '../log/log.ts'
import { ChannelError } from '../protocol/errors.ts'
import type { Ephemeral, Message, MessageBody } from '../protocol/model.ts'
import type { Logger } from '../telemetry/logger.ts'
import { compact } from '../util/compact.ts'
import type { Json, JsonObject } from '../util/json.ts'
import { newId } from '../util/new-id.ts'
import { wellFormed } from '../util/well-formed.ts'
import { autoCreatedChannel } from './channel-draft.ts'
import type { AutoCreate } from './channel-draft.ts'
import { present, sayingWhichServer } from './refusals.ts'
import type { Sizes } from './sizes.ts'

/** A message to post. Ids are canonical; `id` is new for every attempt, or the client's in `submit`. */
export interface PostInput {
  readonly id: string
  readonly channelId: string
  /** Where a missing channel is created; an existing channel keeps its own server. */
  readonly serverId?: string | undefined
  /** Where given, an existing channel of another server takes no message. */
  readonly expectedServerId?: string | undefined
  readonly authorId: string
  readonly senderName?: string | undefined
  readonly text: string
  readonly source: string
  readonly clientMessageId?: string | undefined
  readonly attachments?: readonly Json[] | undefined
  readonly metadata?: JsonObject | undefined
  readonly raw?: Json | undefined
  readonly inReplyTo?: string | undefined
  readonly sourceId?: string | undefined
  /** Agents' turns since a human spoke, where an agent speaks. */
  readonly hops?: number | undefined
  /** True where an agent speaks that does not count its turns. */
  readonly isOfAgent?: boolean | undefined
  /** Where given, a channel that is hidden from this entity when the log gets to it takes no message. */
  readonly visibleTo?: string | undefined
  /** Makes the channel if it is missing, in the same transaction. */
  readonly autoCreate?: AutoCreate | undefined
}

/** The parts of a message to replace; what is undefined stays. */
export interface EditInput {
  readonly messageId: string
  /** Where given, a message of another channel does not exist. */
  readonly channelId?: string | undefined
  readonly authorId?: string | undefined
  /** Where given, a message that is hidden from this entity when the log gets to it does not exist. */
  readonly visibleTo?: string | undefined
  readonly changes: { readonly [Key in keyof MessageBody]?: MessageBody[Key] | undefined }
}

/** What cannot be stored is replaced here, so that everyone sees the replacement from the start. */
function storable(changes: EditInput['changes']): Partial<MessageBody> {
  return compact({
    ...changes,
    text: wellFormed(changes.text),
    senderName: wellFormed(changes.senderName),
    source: wellFormed(changes.source),
    sourceId: wellFormed(changes.sourceId),
  })
}

function bodyOf(input: PostInput): MessageBody {
  return compact({
    text: wellFormed(input.text),
    senderName: wellFormed(input.senderName),
    source: wellFormed(input.source),
    sourceId: wellFormed(input.sourceId),
    inReplyTo: input.inReplyTo,
    attachments: input.attachments,
    metadata: input.metadata,
    raw: input.raw,
    hops: input.hops,
  })
}

/** The part of the log that messages need. */
type MessageLog = Pick<ChannelLog, 'append' | 'publish' | 'message' | 'messages' | 'isAwaited'>

/** What may be done with messages. */
export class MessageService {
  readonly #log: MessageLog
  readonly #logger: Logger
  readonly #sizes: Sizes

  constructor(log: MessageLog, logger: Logger, sizes: Sizes) {
    this.#log = log
    this.#logger = logger
    this.#sizes = sizes
  }

  /**
   * Posts a message; when it resolves the message is on disk and was handed to followers here.
   *
   * The append is called before this returns its promise, so the order of calls is the order of
   * the channel. Repeating `(channelId, authorId, clientMessageId)`, or `id` with the same author
   * and channel, answers the first message with `isDuplicate`.
   *
   * @throws CHANNEL_NOT_FOUND without `autoCreate`, and where hidden; SERVER_NOT_FOUND with it or `expectedServerId`;
   * INVALID_PAYLOAD when the channel is of another server than expected; PAYLOAD_TOO_LARGE;
   * MESSAGE_ID_TAKEN; OVERLOADED; WRITER_UNAVAILABLE.
   */
  async post(input: PostInput): Promise<Outcome> {
    this.#sizes.checkMessage(input)
    const create =
      input.autoCreate && autoCreatedChannel({ ...input, autoCreate: input.autoCreate })
    const appended = this.#log.append({
      type: 'post',
      // The message's id names the attempt as well: one id less to make for every message.
      id: input.id,
      message: compact({
        id: input.id,
        channelId: input.channelId,
        authorId: input.authorId,
        clientMessageId: input.clientMessageId,
        isOfAgent: input.isOfAgent,
        body: bodyOf(input),
      }),
      ...(create && { create }),
      ...(input.expectedServerId !== undefined && { expectedServerId: input.expectedServerId }),
      ...(input.visibleTo !== undefined && { visibleTo: input.visibleTo }),
    })
    const serverId = create?.serverId ?? input.expectedServerId
    if (serverId === undefined) return appended
    const outcome = await sayingWhichServer(serverId, appended)
    if (create !== undefined && outcome.isCreated === true) this.#logCreated(create)
    return outcome
  }

  /** @throws MESSAGE_NOT_FOUND when it does not exist, was erased, or is in another channel; PAYLOAD_TOO_LARGE. */
  async edit(input: EditInput): Promise<Message> {
    this.#sizes.checkMessage(input.changes)
    const outcome = await this.#log.append({
      type: 'edit',
      id: newId(),
      messageId: input.messageId,
      changes: storable(input.changes),
      ...(input.channelId !== undefined && { channelId: input.channelId }),
      ...(input.authorId !== undefined && { authorId: input.authorId }),
      ...(input.visibleTo !== undefined && { visibleTo: input.visibleTo }),
    })
    return present(outcome.message, 'edited message')
  }

  /** Erases a message; erased before is no error. @throws MESSAGE_NOT_FOUND when it never was in `channelId`. */
  async remove(messageId: string, channelId?: string, guard: Guard = {}): Promise<void> {
    const scope = channelId === undefined ? guard : { ...guard, channelId }
    await this.#log.append({ type: 'delete', id: newId(), messageId, ...scope })
  }

  /** Erases all messages of a channel. @throws CHANNEL_NOT_FOUND. */
  async clear(channelId: string, guard: Guard = {}): Promise<void> {
    await this.#log.append({ type: 'clear', id: newId(), channelId, ...guard })
  }

  /** @throws MESSAGE_NOT_FOUND when it does not exist, was erased, or is in another channel than `channelId`. */
  async get(messageId: string, channelId?: string): Promise<Message> {
    const message = await this.#log.message(messageId)
    if (message === undefined || (channelId !== undefined && message.channelId !== channelId)) {
      throw new ChannelError('MESSAGE_NOT_FOUND')
    }
    return message
  }

  /** A page, newest first, of no more rows than a page may have; empty for a channel that does not exist. */
  list(query: MessageQuery): Promise<MessagePage> {
    return this.#log.messages({ ...query, limit: this.#sizes.pageRows(query.limit) })
  }

  /**
   * Tells everyone in the channel that nothing more will come, for a message where one is named: once for that, and
   * not at all where it was complete when it was posted. Not stored.
   */
  async complete(frame: Omit<Extract<Ephemeral, { kind: 'complete' }>, 'kind'>): Promise<void> {
    const { messageId } = frame
    if (messageId !== undefined && !(await this.#log.isAwaited(messageId))) return
    this.#log.publish({ kind: 'complete', ...frame })
  }

  #logCreated({ id: channelId, serverId, type }: ChannelDraft): void {
    this.#logger.info({ channelId, serverId, type }, 'channel created')
  }
}
