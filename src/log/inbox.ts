import type { Channel, Message } from '../protocol/model.ts'

/** What `settle` says of a message that was given up. */
export interface FailureReport {
  readonly messageId: string
  /** Of the message, as its `InboxItem` said. */
  readonly place: number
  readonly attempts: number
  /** For people; cut to 1,000 characters. */
  readonly reason: string
}

/**
 * Changes of what an agent has dealt with. A *place* is a number that every entry of the whole log gets
 * when it is committed, ascending from 1 in the order of commits; a cursor is the place up to which the
 * agent has dealt with everything.
 */
export type InboxCommand =
  /**
   * Makes the agent's cursor, at the newest place, where there is none: an agent does not answer history. A
   * cursor that is ahead of the log, which only a changed file can bring about, is moved back to the newest
   * place, so that it never waits for places that it has passed. Answers `place`, the cursor. From the first one on the
   * agent is one in all channels in which it takes part, the newest 10,000.
   *
   * `AGENT_NOT_FOUND` where the agent is stopped; with `isRegistered` also where the log defines none of that id:
   * whoever runs it has not heard of it yet.
   */
  | {
      readonly type: 'open-inbox'
      readonly id: string
      readonly agentId: string
      readonly isRegistered?: boolean
    }
  /**
   * Moves the cursor to `upTo`: never back, never past the newest place, also where it was not opened. Answers
   * `place`, the cursor. Costs the writer one small row, 4–6 µs beside others (measured), however much the
   * agent dealt with, and none where nothing changes. It is known to be a repetition while it is the agent's
   * last one: who settles waits for the answer before it settles again.
   *
   * `failures`, at most 1,000 (`INVALID_PAYLOAD`, and nothing happens), are kept for `failures()` one row each,
   * in place of what the list has of the same message; one whose message is not at its place or is erased by
   * now is not kept. An agent has 10,000 at most: past it those of the oldest messages are dropped,
   * `failuresDropped` says how many, and a log line too.
   *
   * `resolved` are places of failures that were handed out again and are through: they leave the list.
   *
   * Where `open-inbox` is refused nothing happens, and `place` is 0.
   */
  | {
      readonly type: 'settle'
      readonly id: string
      readonly agentId: string
      readonly isRegistered?: boolean
      readonly upTo: number
      readonly failures?: readonly FailureReport[]
      readonly resolved?: readonly number[]
    }
  /**
   * `retry-failure` has `retries()` hand the message out until a `settle` reports it again, or as resolved;
   * `discard-failure` takes it from the list. Both answer `place`. `FAILURE_NOT_FOUND` where the list has no
   * such message. Either is known to be a repetition while nothing else happened to the failure, a discard for
   * a minute at least.
   */
  | {
      readonly type: 'retry-failure' | 'discard-failure'
      readonly id: string
      readonly agentId: string
      readonly messageId: string
    }
  /**
   * The writer's own: messages up to the place wait for these agents no more, also once it has a successor; all
   * messages, until it is said again, where `upTo` is left out, since nobody runs them. Their inboxes and cursors stay
   * as they are. Those that have no inbox are left out.
   */
  | {
      readonly type: 'pass-over'
      readonly id: string
      readonly agentIds: readonly string[]
      readonly upTo?: number
    }

/** A page of an agent's messages in the order of places. */
export interface InboxQuery {
  readonly agentId: string
  /** Exclusive. */
  readonly after: number
  /** At least 1. */
  readonly limit: number
  /** Most bytes of stored bodies; 8 MiB by default. One message comes in any case. */
  readonly maxBytes?: number
}

/** A message for an agent, as it is now. */
export interface InboxItem {
  readonly place: number
  readonly message: Message
  readonly channel: Pick<Channel, 'id' | 'serverId' | 'type' | 'name'>
  /** Agents' turns since a human spoke: the message's, 0 where it says none. */
  readonly hops: number
  /** Whether its author takes part in the channel as an agent now. */
  readonly isFromAgent: boolean
  /** A participant wants nothing of it any more: see `cancel-stream`. */
  readonly isCancelled?: boolean
}

export interface InboxPage {
  readonly items: readonly InboxItem[]
  /**
   * Everything up to this place was looked at: the next page is the one after it, and so may the cursor be
   * once the items are dealt with. Where `after` is ahead of the log it is the newest place.
   */
  readonly upTo: number
  /** Whether there are places behind `upTo` already. */
  readonly hasMore: boolean
}

/** A message that an agent gave up, until somebody retries or discards it, or it is erased. */
export interface Failure {
  readonly messageId: string
  readonly channelId: string
  readonly place: number
  readonly attempts: number
  readonly reason: string
  /** Epoch ms of when it was given up last. */
  readonly failedAt: number
  /** True from `retry-failure` until the agent is through with it. */
  readonly isRetrying: boolean
}

/** Newest messages first. */
export interface FailureQuery {
  readonly limit: number
  /** A place, exclusive. */
  readonly before?: number
}

/**
 * What an agent has to deal with, from committed state.
 *
 * A message is shown while it is not erased: deleted, or its channel cleared or deleted, it is in none of
 * these lists from that commit on, and what was stored of its failures goes with its content.
 */
export interface AgentInbox {
  /**
   * The messages of others after a place in channels in which the agent takes part now, but for what was said before
   * it last began to. One look at 5,000
   * places at most, so that an agent whom nobody writes to costs little: some 0.5 µs for each entry of the
   * whole log (measured at 2,000,000), whatever the number of its channels.
   */
  inbox(query: InboxQuery): Promise<InboxPage>
  /**
   * The failures that `retry-failure` named, likewise, where the agent takes part in the channel; where it
   * does not they wait until it does. They stay until they are settled: whoever asks again gets them again.
   */
  retries(query: InboxQuery): Promise<InboxPage>
  failures(agentId: string, query: FailureQuery): Promise<readonly Failure[]>
}
