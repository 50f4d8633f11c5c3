import type { Channel } from '../protocol/model.ts'
import type { Json, JsonObject } from '../util/json.ts'
import type { ExecutionContext, WorkerEnv, WorkerMessage } from './worker.ts'

/** What an agent says when it says more than a text. Something must be in `text` or `attachments`. */
export interface ReplyContent {
  readonly text?: string
  /** What it thought before it spoke; clients show it on request. */
  readonly thought?: string
  /** Names of what it does, as elizaOS has them: `REPLY`, `IGNORE`, … */
  readonly actions?: readonly string[]
  readonly attachments?: readonly Json[]
  readonly metadata?: JsonObject
}

export type Reply = string | ReplyContent

/** A message of the agent's as the log has it. */
export interface SentMessage {
  readonly id: string
  readonly channelId: string
  readonly seq: number
  readonly createdAt: number
  /** True when an earlier run of the handler had stored it: what was said then stands. */
  readonly isDuplicate: boolean
}

/**
 * A message that is shown while it is written. It is stored when it ends; who comes late gets the text so far.
 *
 * A handler that returns ends its streams as complete; one that throws or runs out of time, as failed; where a
 * participant cancels, `ctx.signal` is aborted and what was written stands. What was shown is not shown again: a
 * stream that ended before its time is not begun anew when the handler runs again, unless somebody retries the
 * failure.
 */
export interface MessageStream {
  /**
   * Shows more of the text, in order. Resolves when more may be written; await it, so that a fast writer waits for
   * slow readers. @throws TypeError for what is no text, and past the size of a message; Error when the stream
   * has ended or was cancelled.
   */
  write(text: string): Promise<void>
  /**
   * Ends it, with more text or what else the message says. A second call answers the same. Without any text it
   * is as if it had never been, and the answer is undefined. @throws Error when it was cancelled.
   */
  end(rest?: Reply): Promise<SentMessage | undefined>
}

/** Which part of a channel's history. */
export interface HistoryQuery {
  /** Most messages, 50 by default; more than the server's `PARLEY_MAX_PAGE_ROWS` are cut to that. */
  readonly limit?: number
  /** Only messages with a smaller `seq`; by default what was said before the message in hand. */
  readonly before?: number
}

export interface WorkerParticipant {
  readonly id: string
  readonly isAgent: boolean
}

/**
 * What `message` and `join` get last.
 *
 * Whatever the agent does is done as itself: it reads and speaks in public channels and in those that it
 * takes part in. What makes no sense is refused with a `TypeError` that says what it is, what the server
 * refuses with an error that has its `code`. When the handler and what it gave to `waitUntil` are through,
 * or when its time is up, the work is over and everything is refused.
 */
export interface MessageContext extends ExecutionContext {
  readonly agent: { readonly id: string; readonly name: string }
  /** The channel in hand, as it was when the message was handed out. */
  readonly channel: Pick<Channel, 'id' | 'serverId' | 'type' | 'name'>
  /**
   * Says something in this channel, in answer to the message. Stored when it resolves.
   *
   * A handler that runs again, after an error or a killed process, says each of its replies once: the n-th
   * call of `reply` and `send` together is the same message in every run.
   */
  reply(reply: Reply): Promise<SentMessage>
  /** The same in another channel. */
  send(channelId: string, reply: Reply): Promise<SentMessage>
  /**
   * Says something in this channel, in answer to the message, while it is thought of. It begins with its first
   * text, and counts as one `reply`.
   */
  stream(): MessageStream
  /**
   * Erases a message of this channel, whoever wrote it: the agent is of the server's own. Erased before is no
   * error.
   */
  remove(messageId: string): Promise<void>
  /** Shows that the agent is about to speak, for some seconds, or takes that back; ends with the handler. */
  typing(isTyping?: boolean): void
  /** What was said in this channel, the agent's own messages included; oldest first. */
  history(query?: HistoryQuery): Promise<readonly WorkerMessage[]>
  /** Who takes part in this channel, in the order in which they came. */
  participants(): Promise<readonly WorkerParticipant[]>
}

/** Somebody opened a channel that the agent takes part in: elizaOS's `ENTITY_JOINED`. */
export interface JoinEvent {
  readonly entityId: string
  readonly channelId: string
  readonly serverId: string
  /** elizaOS's names of the two above. */
  readonly roomId: string
  readonly worldId: string
  readonly metadata: JsonObject
  readonly source: string
}

/** The handlers of an agent. */
export interface MessageHandlers {
  /**
   * A message in a channel that the agent takes part in, at least once each, in the order of the channel and
   * one at a time there. One that throws, or takes too long, is run again a little later, three times in all. What it
   * returns is ignored. A message that a participant cancels before its turn comes is never handed out.
   */
  message?(message: WorkerMessage, env: WorkerEnv, ctx: MessageContext): void | Promise<void>
  /** At most once: what comes while no process runs the worker, and what fails, is not made up for. */
  join?(event: JoinEvent, env: WorkerEnv, ctx: MessageContext): void | Promise<void>
}
