import type { ChannelError } from '../protocol/errors.ts'
import type { Channel, ChannelDetails, Entry, Message, MessageServer } from '../protocol/model.ts'
import type { Failure, FailureQuery, InboxPage, InboxQuery } from './inbox.ts'
import type { Command, EntryRange, MessagePage, MessageQuery, Outcome, Standing } from './log.ts'

/** What one command of a batch did: its answer and its new entries, or its refusal. */
export type Applied =
  | { readonly outcome: Outcome; readonly entries: readonly Entry[] }
  | { readonly error: ChannelError }

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
  close(): void
}

/** A store with exactly one writer: the commands' semantics, without queueing or delivery. */
export interface LogEngine extends LogReader {
  /**
   * Applies commands in order, in one durable transaction: when it returns, all of it is on disk.
   * A refused command changes nothing and does not disturb the others. It throws only when storage
   * failed; then nothing of the batch is applied and the engine must not be used again.
   *
   * @throws STORAGE_FULL when there is no room: nothing of the batch is applied, and the engine goes on.
   */
  apply(commands: readonly Command[]): readonly Applied[]
}
