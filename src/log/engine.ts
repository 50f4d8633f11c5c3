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
      /** Of a new posting in a channel with agents: those with an inbox that are to deal with it. */
      readonly agents?: readonly string[]
      /** Of that posting. */
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

/** An agent that takes part in a channel; one without an inbox is told by others than this server. */
export interface ChannelAgent {
  readonly agentId: string
  readonly hasInbox: boolean
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
  /** Agents that nobody runs: a message does not wait for them. Its owner changes it between calls of `apply`. */
  readonly awayAgents: Set<string>
  /** All streams that go on. */
  activeStreams(): readonly StoredStream[]
  /** Of a channel, without those that are stopped, in the order in which they came, at most 64; none of one that is not live. */
  agentsIn(channelId: string): readonly ChannelAgent[]
  /** Every agent that has an inbox, with its cursor. */
  cursors(): ReadonlyMap<string, number>
  /**
   * Applies commands in order, in one durable transaction: when it returns, all of it is on disk.
   * A refused command changes nothing and does not disturb the others. It throws only when storage
   * failed; then nothing of the batch is applied and the engine must not be used again.
   *
   * @throws STORAGE_FULL when there is no room: nothing of the batch is applied, and the engine goes on.
   */
  apply(commands: readonly Command[]): readonly Applied[]
}
