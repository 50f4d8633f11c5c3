import type {
  ChannelDetails,
  ChannelType,
  Message,
  MessageBody,
  MessageServer,
  Participant,
  Visibility,
} from '../protocol/model.ts'
import type { JsonObject } from '../util/json.ts'
import type { StreamCommand, StreamOutcome } from './agent-work.ts'
import type { AgentCommand } from './agents.ts'
import type { InboxCommand } from './inbox.ts'

/** What a channel is made of when it is created, by itself or together with its first message. */
export interface ChannelDraft {
  readonly id: string
  readonly serverId: string
  readonly name: string
  readonly type: ChannelType
  readonly sourceType?: string
  readonly sourceId?: string
  readonly topic?: string
  /** By type when absent: `defaultVisibility`. */
  readonly visibility?: Visibility
  readonly ownerId?: string
  readonly metadata: JsonObject
  readonly participants: readonly Participant[]
}

/** A message to post. `id` is new for every attempt of a client, the same for every resubmission. */
export interface MessageDraft {
  readonly id: string
  readonly channelId: string
  readonly authorId: string
  readonly clientMessageId?: string
  readonly body: MessageBody
  /** An agent wrote it, whether it takes part as one or not: its turn is counted. */
  readonly isOfAgent?: boolean
}

/**
 * What must still hold of the channel when the command is applied, so that nobody acts on a right that was
 * taken away meanwhile.
 */
export interface Guard {
  /**
   * The channel exists and is public, or this entity takes part in it; otherwise nothing happens and the
   * answer is `CHANNEL_NOT_FOUND` (`MESSAGE_NOT_FOUND` for `edit` and `delete`), whether it exists or not.
   * With it a `post` makes no channel, whatever `create` says.
   *
   * A `post` in the name of another than this entity is `ACCESS_DENIED` where it does not take part, though
   * the channel be public.
   *
   * A repeated `post` or `edit`, whose answer shows a message, is refused likewise, but for a `post` with the
   * `id` and author of one's own that is stored; every other change that
   * was applied before is answered as done, so that nobody is refused for what the change itself did.
   */
  readonly visibleTo?: string
}

/** The same for a change of who takes part. */
export interface ParticipantGuard extends Guard {
  /**
   * In a conversation (SELF, DM, VOICE_DM) nobody comes, and nobody goes but this entity; otherwise nothing
   * happens and the answer is `ACCESS_DENIED`. Who takes part already does not come.
   */
  readonly asParty?: string
}

/**
 * A change of the log. Every command has an `id` (a UUIDv7 made where the command is made; a post's
 * may be its message's) that names the attempt: the same id applied twice has one effect and one answer.
 */
export type Command =
  /**
   * Posts. With `create` the channel is made first if it is missing, in the same transaction; its
   * server must exist (`SERVER_NOT_FOUND`). Without it a missing channel is `CHANNEL_NOT_FOUND`.
   * `(channelId, authorId, clientMessageId)` seen before: nothing happens, the answer is the first
   * one with `isDuplicate`. `id` taken: the same author and channel get the first message
   * (`isDuplicate`), others `MESSAGE_ID_TAKEN`. With `expectedServerId` a channel of another server takes
   * no new message: `INVALID_PAYLOAD`, or `SERVER_NOT_FOUND` when there is no such server.
   */
  | (Guard & {
      readonly type: 'post'
      readonly id: string
      readonly message: MessageDraft
      readonly create?: ChannelDraft
      readonly expectedServerId?: string
    })
  /**
   * Replaces the named parts of a message's body. `MESSAGE_NOT_FOUND` when it does not exist, was
   * erased, or is not in `channelId` where that is given; `ACCESS_DENIED` when `authorId` is given and
   * is not its author.
   */
  | (Guard & {
      readonly type: 'edit'
      readonly id: string
      readonly messageId: string
      readonly channelId?: string
      readonly authorId?: string
      readonly changes: Partial<MessageBody>
    })
  /** Erases a message. Erased before: no entry, no error. Never existed in `channelId`: `MESSAGE_NOT_FOUND`. */
  | (Guard & {
      readonly type: 'delete'
      readonly id: string
      readonly messageId: string
      readonly channelId?: string
    })
  /** Erases all messages of a channel, at once for every reader. `CHANNEL_NOT_FOUND`. */
  | (Guard & { readonly type: 'clear'; readonly id: string; readonly channelId: string })
  /**
   * `CHANNEL_EXISTS` when the id is in use, `SERVER_NOT_FOUND`. No entry: the first entry is the first
   * change after it. However a channel is made or somebody added to it, who is an agent of its server
   * takes part as an agent, and what would put more into it than may take part is refused with
   * `TOO_MANY_PARTICIPANTS`; who takes part when the bound is lowered stays.
   */
  | { readonly type: 'create-channel'; readonly id: string; readonly channel: ChannelDraft }
  /** The one DM channel of two entities on a server, made from `channel` if there is none. Answers `channel`. */
  | {
      readonly type: 'get-or-create-dm'
      readonly id: string
      readonly channel: ChannelDraft
    }
  /**
   * Replaces what is named; `participants` replaces the whole set. No entry when nothing is named.
   * `CHANNEL_NOT_FOUND`.
   */
  | (ParticipantGuard & {
      readonly type: 'update-channel'
      readonly id: string
      readonly channelId: string
      readonly name?: string
      readonly topic?: string
      readonly visibility?: Visibility
      readonly metadata?: JsonObject
      readonly participants?: readonly string[]
    })
  /**
   * Deletes a channel with its messages and participants; its counter stays. Absent before: no entry, and
   * no error where no guard asks for it.
   */
  | (Guard & { readonly type: 'delete-channel'; readonly id: string; readonly channelId: string })
  /**
   * Adds and removes participants atomically. No entry when nothing changes. `CHANNEL_NOT_FOUND`;
   * `PARTICIPANT_NOT_FOUND` when one in `remove` does not take part. Adding somebody as an agent, or an
   * agent of the channel's server, marks an existing participant as an agent.
   */
  | (ParticipantGuard & {
      readonly type: 'change-participants'
      readonly id: string
      readonly channelId: string
      readonly add: readonly Participant[]
      readonly remove: readonly string[]
    })
  | {
      readonly type: 'create-server'
      readonly id: string
      readonly server: Omit<MessageServer, 'createdAt' | 'updatedAt'>
    }
  /**
   * Deletes a server with its channels. `SERVER_PROTECTED` for the default one, `SERVER_NOT_FOUND`;
   * `SERVER_TOO_LARGE`, and nothing happens, when it has more channels than go in one transaction
   * (10,000): delete channels first.
   */
  | { readonly type: 'delete-server'; readonly id: string; readonly serverId: string }
  /** Idempotent. `SERVER_NOT_FOUND`. */
  | {
      readonly type: 'add-server-agent' | 'remove-server-agent'
      readonly id: string
      readonly serverId: string
      readonly agentId: string
    }
  | InboxCommand
  | StreamCommand
  | AgentCommand

/** What a command did. Fields are present where they apply. */
export interface Outcome {
  /** The entry's number; absent when nothing was numbered. */
  readonly seq?: number
  /** True when the command repeats one that was applied before. */
  readonly isDuplicate?: boolean
  /** True when this command made the channel. */
  readonly isCreated?: boolean
  /** Of a post: whether an agent is to deal with it; see `Entry`. */
  readonly hasAgents?: boolean
  /** The message as stored. After an erasure in between its body is empty. */
  readonly message?: Message
  readonly channel?: ChannelDetails
  readonly server?: MessageServer
  /** Of an `InboxCommand`: the agent's cursor, or the place of the failure. */
  readonly place?: number
  readonly stream?: StreamOutcome
  /** Of a `settle` that stored more failures than are kept: how many old ones were dropped. */
  readonly failuresDropped?: number
}
