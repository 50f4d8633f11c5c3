import type { ChannelError } from '../protocol/errors.ts'
import type {
  Channel,
  ChannelDetails,
  Entry,
  Message,
  MessageBody,
  MessageServer,
} from '../protocol/model.ts'
import type { StreamOutcome } from './agent-work.ts'
import type { StoredAgent } from './agents.ts'
import type { Failure, FailureQuery, InboxPage, InboxQuery } from './inbox.ts'
import type { Command, EntryRange, MessagePage, MessageQuery, Outcome, Standing } from './log.ts'

/** What one command of a batch did: its answer and its new entries, or its refusal. */
export type Applied =
  | {
      readonly outcome: Outcome
      readonly entries: readonly Entry[]
      /**
       * Of a new posting in a channel with agents: those with an inbox that are to deal with it. Of a message that is
       * cancelled: those that were not through with it by their cursors.
       */
      readonly agents?: readonly string[]
      /** Of that posting or message. */
      readonly place?: number
    }
  | { readonly error: ChannelError }

/** A stream as stored; its text is a checkpoint. */
export interface StoredStream extends Pick<StreamOutcome, 'messageId'> {
  readonly channelId: string
  readonly serverId: string
  readonly agentId: string
  /** The `clientMessageId` of the message that it becomes. */
  readonly name: string
  readonly owner: string
  readonly answers?: string
  readonly isCancelled: boolean
  /** Of the message; its text is empty. */
  readonly body: MessageBody
  readonly text: string
}

/** An agent that this server runs and that takes part in a channel. */
export interface ChannelAgent {
  readonly agentId: string
  /**
   * The newest place when it came. What is up to there is not for it, also where its cursor is behind that: an agent
   * answers nothing that was said before it took part.
   */
  readonly joinedPlace: number
}

/** A message that waited for agents as it was posted. */
export interface AwaitedMessage {
  readonly messageId: string
  readonly channelId: string
  readonly serverId: string
  readonly place: number
  readonly seq: number
  /** Those that are to deal with it and have not passed it; none where it is complete. */
  readonly agents: readonly string[]
}

/** The reads of `ChannelLog`, synchronous and bounded: committed state of one moment per call. */
export interface LogReader {
  readonly epoch: string
  channel(channelId: string): ChannelDetails | undefined
  channels(serverId?: string, visibleTo?: string): readonly Channel[]
  standing(channelId: string, entityId: string): Standing | undefined
  servers(): readonly MessageServer[]
  server(serverId: string): MessageServer | undefined
  serverAgents(serverId: string): readonly string[]
  agentServers(agentId: string): readonly string[]
  message(messageId: string): Message | undefined
  isAwaited(messageId: string): boolean
  messages(query: MessageQuery): MessagePage
  entries(range: EntryRange): readonly Entry[]
  head(channelId: string): number
  /** The place of the newest entry; 0 when there is none. */
  newestPlace(): number
  inbox(query: InboxQuery): InboxPage
  retries(query: InboxQuery): InboxPage
  failures(agentId: string, query: FailureQuery): readonly Failure[]
  agents(): readonly StoredAgent[]
  close(): void
}

/** A store with exactly one writer: the commands' semantics, without queueing or delivery. */
export interface LogEngine extends LogReader {
  /**
   * Agents that nobody runs: a message does not wait for them. Its owner changes it between calls of `apply`; at first
   * those whom the owner before it passed over.
   */
  readonly awayAgents: Set<string>
  /** All streams that go on. */
  activeStreams(): readonly StoredStream[]
  /**
   * Those of the first 64 agents of a channel that have an inbox. Of the others, that this server never ran or runs no
   * more, nothing is known; none of a channel that is not live.
   */
  agentsIn(channelId: string): readonly ChannelAgent[]
  /**
   * For whom the message at this place waits, by what is stored: agents of `agentsIn` that took part before it, are not
   * its author, whose cursors are not past it, and that were not passed over there. Undefined for one that waited for nobody as it was posted.
   */
  awaitedBy(place: number): readonly string[] | undefined
  /** The messages among the newest 5,000 entries that waited for somebody as they were posted, ascending. */
  awaited(): readonly AwaitedMessage[]
  /** Every agent that has an inbox, with its cursor. */
  cursors(): ReadonlyMap<string, number>
  /** Whether the agent is not to deal with the message at this place, to which its cursor has not come. */
  isCancelled(agentId: string, place: number): boolean
  /**
   * Applies commands in order, in one durable transaction: when it returns, all of it is on disk.
   * A refused command changes nothing and does not disturb the others. It throws only when storage
   * failed; then nothing of the batch is applied and the engine must not be used again.
   *
   * @throws STORAGE_FULL when there is no room: nothing of the batch is applied, and the engine goes on.
   */
  apply(commands: readonly Command[]): readonly Applied[]
}
