import type {
  Channel,
  ChannelDetails,
  ChannelType,
  Entry,
  Ephemeral,
  JoinNotice,
  Message,
  MessageServer,
  Visibility,
} from '../protocol/model.ts'
import type { AgentWork, Cancellation } from './agent-work.ts'
import type { AgentList } from './agents.ts'
import type { Command, Outcome } from './commands.ts'
import type { AgentInbox } from './inbox.ts'

export type {
  ChannelDraft,
  Command,
  Guard,
  MessageDraft,
  Outcome,
  ParticipantGuard,
} from './commands.ts'

/** Where an entity stands in a channel. */
export interface Standing {
  readonly type: ChannelType
  readonly visibility: Visibility
  readonly isParticipant: boolean
  readonly isOwner: boolean
}

/**
 * A page of one channel's messages, newest first. All bounds are exclusive; `limit` ≥ 0.
 * With only `afterSeq`/`afterMs` it is the newest page above the bound.
 *
 * A page of fewer rows than `limit` is not always the last one: it ends early where its bodies would
 * pass `maxBytes`. `hasMore` of the page tells.
 */
export interface MessageQuery {
  readonly channelId: string
  readonly limit: number
  readonly beforeSeq?: number
  readonly afterSeq?: number
  /** Epoch ms of `createdAt`. */
  readonly beforeMs?: number
  readonly afterMs?: number
  /** Most bytes of stored bodies; 8 MiB by default. One message comes in any case. */
  readonly maxBytes?: number
}

/** A page, newest first, of one committed moment. */
export interface MessagePage {
  readonly messages: readonly Message[]
  /** Whether the query's bounds hold messages older than the page's last, or any where `limit` is 0. */
  readonly hasMore: boolean
}

/**
 * Entries `after < seq ≤ upTo` of one channel, ascending, at most `limit`.
 *
 * The answer is a prefix of that: it ends early where the bodies and channels that its entries show would
 * pass `maxBytes`. Numbers have no holes, so it is whole when its last entry is `upTo` (or the head, where
 * that is less), and `after` for the rest is its last entry's `seq`.
 */
export interface EntryRange {
  readonly channelId: string
  readonly after: number
  readonly upTo: number
  readonly limit: number
  /** Most bytes of stored bodies, erased ones counting nothing; 8 MiB by default. One entry comes in any case. */
  readonly maxBytes?: number
}

/**
 * Receives what is committed in the channels that this process follows.
 *
 * Per followed channel: entries arrive in `seq` order, each once, with no hole after the position
 * that `follow` answered, whatever happens to the writer or the connection to it. What was
 * committed together arrives in one call.
 */
export interface FeedConsumer {
  onEntries(channelId: string, entries: readonly Entry[]): void
  onEphemeral(frame: Ephemeral): void
  /**
   * A batch is committed that holds a message in a channel with agents, or a retry: agents may have something
   * to deal with up to this place. Once a batch at most, after its entries; may be lost with the connection, so
   * whoever waits looks by itself, too. Where it is absent nobody is told, and it costs nothing.
   */
  onCommitted?(place: number): void
  /** Somebody opened a channel, whether this process follows it or not; told where `onCommitted` is. */
  onJoined?(joined: JoinNotice): void
  /** A participant wants something to end; may come twice. Told where `onCommitted` is. */
  onCancelled?(cancelled: Cancellation): void
  /** What `agents()` answers has changed. Told where `onCommitted` is, and lost likewise. */
  onAgentsChanged?(): void
}

/**
 * The durable order of all channels.
 *
 * Durability: when `append` resolves, the change is on disk (fsynced with `PARLEY_DURABILITY=full`).
 * Order: entries of a channel are numbered 1, 2, 3, … without holes; appends of one caller are
 * applied in the order of the calls, also across a restart of the writer.
 * Idempotency: see `Command`. Visibility: an entry is delivered to followers before its `append`
 * resolves in the same process; while what a lost connection missed is read, not the entries of a
 * `delete-server` and of a `delete` without `channelId`, whose answers name no channel to wait for.
 * Reads show committed state and may be ahead of the feed.
 */
export interface ChannelLog extends AgentInbox, AgentWork, AgentList {
  /** The database's life: changes only when a backup is restored. */
  readonly epoch: string
  /**
   * @throws the `Command`'s own codes; `OVERLOADED` when the writer's or this process's queue is at
   * its bound (nothing was stored); `WRITER_UNAVAILABLE` when no answer came in time (unknown).
   */
  append(command: Command): Promise<Outcome>
  /** Sends an unstored frame to all followers of its channel, in order with its entries. May be lost. */
  publish(frame: Ephemeral): void
  /** Tells whoever runs agents that somebody opened a channel: `onJoined`. May be lost. */
  announce(joined: JoinNotice): void
  /**
   * Starts delivery of a channel to the feed consumer; where agents are at work there, its first frame is the
   * `ChannelActivity`, which comes again whenever the link is a new one. Resolves to the position after which the
   * feed continues; 0 for a channel without entries, existing or not. Following twice is an error of the caller.
   */
  follow(channelId: string): Promise<number>
  unfollow(channelId: string): void

  channel(channelId: string): Promise<ChannelDetails | undefined>
  /**
   * Channels of a server in order of creation; all servers when none is given. With `visibleTo` only those
   * that are public or that this entity takes part in. Past 10,000 of them, or 8 MiB of what people wrote
   * about them, the oldest are left out and not loaded; of one's own past 10,000, those first made first.
   */
  channels(serverId?: string, visibleTo?: string): Promise<readonly Channel[]>
  /** Where an entity stands in a channel; undefined when there is no such channel. Committed state, at least as new as the feed. */
  standing(channelId: string, entityId: string): Promise<Standing | undefined>
  /** In order of creation, bounded likewise. */
  servers(): Promise<readonly MessageServer[]>
  server(serverId: string): Promise<MessageServer | undefined>
  /** Ids of the agents of a server, in order of addition. */
  serverAgents(serverId: string): Promise<readonly string[]>
  /** Ids of the servers that an agent belongs to. */
  agentServers(agentId: string): Promise<readonly string[]>
  message(messageId: string): Promise<Message | undefined>
  /** Whether agents were to deal with a message as it was posted, erased or not: `complete` is told of no other. */
  isAwaited(messageId: string): Promise<boolean>
  messages(query: MessageQuery): Promise<MessagePage>
  entries(range: EntryRange): Promise<readonly Entry[]>
  /** The number of the channel's newest entry in committed state; 0 when there is none. */
  head(channelId: string): Promise<number>
  close(): Promise<void>
}
