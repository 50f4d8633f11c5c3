import type { Json, JsonObject } from '../util/json.ts'

/** elizaOS channel types; all are stored and listed alike, `DM` also fixes the first participants. */
export const CHANNEL_TYPES = [
  'SELF',
  'DM',
  'GROUP',
  'VOICE_DM',
  'VOICE_GROUP',
  'FEED',
  'THREAD',
  'WORLD',
  'FORUM',
  'API',
] as const
export type ChannelType = (typeof CHANNEL_TYPES)[number]

/** `public`: every identity may read, join and send. `private`: only who takes part. */
export const VISIBILITIES = ['public', 'private'] as const
export type Visibility = (typeof VISIBILITIES)[number]

const PRIVATE_TYPES: ReadonlySet<ChannelType> = new Set(['SELF', 'DM', 'VOICE_DM', 'API'])

/** What a channel is when nobody says: conversations of named people are private, the rest is public. */
export function defaultVisibility(type: ChannelType): Visibility {
  return PRIVATE_TYPES.has(type) ? 'private' : 'public'
}

const CONVERSATIONS: ReadonlySet<ChannelType> = new Set(['SELF', 'DM', 'VOICE_DM'])

/** Whether a channel is what named people say to each other: never public, and who takes part is settled. */
export function isConversation(type: ChannelType): boolean {
  return CONVERSATIONS.has(type)
}

/** A namespace of channels (elizaOS: message server). Times are epoch milliseconds. */
export interface MessageServer {
  readonly id: string
  readonly name: string
  readonly sourceType: string
  readonly sourceId?: string
  readonly metadata?: JsonObject
  readonly createdAt: number
  readonly updatedAt: number
}

/** The ordered stream (elizaOS: channel or room). Times are epoch milliseconds. */
export interface Channel {
  readonly id: string
  readonly serverId: string
  readonly name: string
  readonly type: ChannelType
  readonly sourceType?: string
  readonly sourceId?: string
  readonly topic?: string
  readonly visibility: Visibility
  /** Who made it and manages it; absent when a service did, or somebody without an identity. */
  readonly ownerId?: string
  readonly metadata: JsonObject
  readonly createdAt: number
  readonly updatedAt: number
}

/** A user or agent that takes part in a channel. */
export interface Participant {
  readonly entityId: string
  readonly isAgent: boolean
}

/** A channel with everybody in it, in the order in which they were added. */
export interface ChannelDetails extends Channel {
  readonly participants: readonly Participant[]
}

/** What an author writes and an edit replaces. */
export interface MessageBody {
  readonly text: string
  readonly senderName?: string
  /** Where it came from: `socketio_client`, `agent_response`, `eliza_gui`, … */
  readonly source: string
  /** The id in the source's own world (`ingest-external`). */
  readonly sourceId?: string
  readonly inReplyTo?: string
  readonly attachments?: readonly Json[]
  readonly metadata?: JsonObject
  /** What a REST client sent as `raw_message`; `thought` and `actions` are read from it. */
  readonly raw?: Json
  /**
   * Agents' turns since a human spoke, where an agent wrote it; the log counts those of agents that do not. 0 where
   * absent. Not shown to clients.
   */
  readonly hops?: number
  /** How the stream ended that this is the text of; absent where it came to its end, and where there was none. */
  readonly stream?: StreamEnding
}

/**
 * How a stream of an agent may end: `complete`, as its author meant; `cancelled` by a participant; `interrupted`,
 * its process ended; `failed`, its author threw or ran out of time.
 */
export const STREAM_ENDS = ['complete', 'cancelled', 'interrupted', 'failed'] as const
export type StreamEnd = (typeof STREAM_ENDS)[number]
export type StreamState = 'streaming' | StreamEnd

/** Of a stream that did not come to its end: the message's text is what there was. */
export interface StreamEnding {
  readonly state: Exclude<StreamEnd, 'complete'>
  /** For people. */
  readonly error?: string
}

/** A stored item. */
export interface Message {
  readonly id: string
  readonly channelId: string
  readonly serverId: string
  /** The number of its posting entry; edits have entries of their own. */
  readonly seq: number
  readonly authorId: string
  /** The client's own id (`messageId` on the socket), by which a repeated send is recognised. */
  readonly clientMessageId?: string
  readonly body: MessageBody
  /** Epoch ms; never decreases along a channel's `seq`, also when the clock jumps back. */
  readonly createdAt: number
  readonly updatedAt: number
}

interface EntryBase {
  readonly channelId: string
  /** 1 for a channel's first entry; no holes. */
  readonly seq: number
  /** Epoch ms. */
  readonly at: number
}

/**
 * One durable, numbered change of a channel. Read later, an entry shows the present: a posted or
 * edited entry carries the message as it is now, or `message: null` once it was erased.
 */
export type Entry = EntryBase &
  (
    | {
        readonly kind: 'posted'
        readonly message: Message | null
        /**
         * True when an agent was to deal with it as it was posted: one that this server runs, takes part, and is
         * neither its author nor known to be away. Then `complete` follows, once; otherwise it is complete at once.
         */
        readonly hasAgents: boolean
      }
    | { readonly kind: 'edited'; readonly message: Message | null }
    | { readonly kind: 'deleted'; readonly messageId: string; readonly messageSeq: number }
    | { readonly kind: 'cleared' }
    | {
        /** `updated`: a channel's own fields, and perhaps who takes part; `participants`: only that. */
        readonly kind: 'updated' | 'participants'
        /** Null when it is deleted now. */
        readonly channel: Channel | null
        readonly added: readonly Participant[]
        readonly removed: readonly string[]
      }
    | { readonly kind: 'removed' }
  )

export type EntryKind = Entry['kind']

/** A stream that goes on, with its text so far. */
export interface ActiveStream {
  /** Of the message that it becomes. */
  readonly messageId: string
  readonly agentId: string
  /** How many chunks the text came in. */
  readonly index: number
  readonly text: string
}

/** What an agent is doing about a message: `idle`, it is through. */
export interface AgentTurn {
  readonly agentId: string
  /** The message that it answers. */
  readonly messageId: string
  readonly state: 'thinking' | 'streaming' | 'idle'
  /** Of the message that its stream becomes. */
  readonly streamMessageId?: string
}

/**
 * Something that travels with the entries of a channel, in order with them, and is not stored:
 * whoever is not connected misses it.
 */
export type Ephemeral =
  | Completion
  /** An agent types; receivers forget it after `ttlMs`. */
  | {
      readonly kind: 'typing'
      readonly channelId: string
      readonly entityId: string
      readonly isTyping: boolean
      readonly ttlMs: number
    }
  | StreamChunk
  | StreamLoss
  | ({ readonly kind: 'turn'; readonly channelId: string } & AgentTurn)
  | ChannelActivity

/** All agents are through with the message. */
export interface Completion {
  readonly kind: 'complete'
  readonly channelId: string
  readonly serverId: string
  readonly messageId?: string
  /** Where the writer says so. */
  readonly messageSeq?: number
}

/**
 * More of a stream's text. Frames of one stream are in order and have no gap, save that the first that a
 * follower gets may begin where its `ChannelActivity` ended; the message's own entry ends the stream.
 */
export interface StreamChunk {
  readonly kind: 'chunk'
  readonly channelId: string
  readonly messageId: string
  readonly agentId: string
  /** The number of the chunk, from 0; of several in one the first. */
  readonly index: number
  /** UTF-16 code units of the text before it. */
  readonly offset: number
  readonly chunk: string
}

/**
 * A stream is over of which nothing is stored: its process and the writer died before there was a checkpoint. To those
 * who were shown something of it this is its end.
 */
export interface StreamLoss {
  readonly kind: 'loss'
  readonly channelId: string
  readonly messageId: string
  readonly agentId: string
  /** What they were shown; a process fills in what it has told. */
  readonly text: string
}

/**
 * All that agents are doing in a channel at the moment at which a process begins to follow it, or follows it
 * again over a new link: what is not in it has ended. For this process, not for clients as it is.
 */
export interface ChannelActivity {
  readonly kind: 'activity'
  readonly channelId: string
  readonly streams: readonly ActiveStream[]
  /** None of them `idle`. */
  readonly turns: readonly AgentTurn[]
  /**
   * Over a new link: messages that are complete, the newest 256, whether the process was told or the telling was lost
   * with a link or with a writer.
   */
  readonly completed?: readonly string[]
  /** True where the streams are left out, their texts being too long. */
  readonly isCut?: boolean
}

/** Somebody opened a channel: for whoever runs agents, and for nobody in the channel. Not stored. */
export interface JoinNotice {
  readonly channelId: string
  readonly entityId: string
  readonly serverId?: string
  readonly metadata: JsonObject
  readonly socketId?: string
  /** The agent that the client named. */
  readonly agentId?: string
}

/** A position in a channel: entry `seq` of the database life `epoch`. */
export interface Position {
  readonly epoch: string
  readonly seq: number
}
