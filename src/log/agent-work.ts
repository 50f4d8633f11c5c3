import type { ActiveStream, MessageBody, StreamEnd, StreamState } from '../protocol/model.ts'
import type { Guard, MessageDraft } from './commands.ts'

/**
 * Changes of an agent's streams. While a stream goes on it is a row of its own, with a checkpoint of its text;
 * when it ends it becomes the message whose id it has, with `body.stream` unless it came to its end.
 */
export type StreamCommand =
  /**
   * Begins a stream. `message` is what it becomes, with an empty text; its `clientMessageId` names the stream
   * for its author in the channel, and `again` is the name to take instead where the stream of that name did not
   * come to its end: for a failure that somebody wants to be tried again.
   *
   * Answers `stream`. A name that is taken answers `isDuplicate`: with the stream that goes on, where it is this
   * process's own; else what it ended as, and `message`. One that goes on and is another process's is ended as
   * `interrupted` first.
   *
   * `CHANNEL_NOT_FOUND`, also where it is hidden from `visibleTo`; `MESSAGE_ID_TAKEN`; `OVERLOADED` when as many
   * streams go on as may.
   */
  | (Pick<Guard, 'visibleTo'> & {
      readonly type: 'open-stream'
      readonly id: string
      /** The process whose end is the stream's; filled in where the process is known. */
      readonly owner: string
      readonly message: MessageDraft & { readonly clientMessageId: string }
      /** The message that it answers. */
      readonly answers?: string
      readonly again?: string
    })
  /**
   * Ends a stream and posts its message, with its `seq`, as `post` does; `body` holds the whole text, and `state`
   * is put into `body.stream`. Where there is neither text nor attachment nothing is posted and it is as if the
   * stream had never been. One that has ended answers `isDuplicate`, its `message` and `stream` as they are; where
   * its author said something else under its name meanwhile, what that is.
   * `STREAM_NOT_FOUND` where there is none, also since its channel was deleted, with which it goes; an end without
   * text has nothing to do there and is answered as done.
   */
  | {
      readonly type: 'end-stream'
      readonly id: string
      readonly messageId: string
      readonly state: StreamEnd
      readonly error?: string
      readonly body: MessageBody
    }
  /**
   * Asks for the end of a stream, or of what agents do about a message: `messageId` is either's. Whoever runs it
   * is told, also when it has lost its connection meanwhile. A message is stored as cancelled for every agent that
   * is run and not through with it: whoever is on it stops, and whoever is not never begins. Answers `stream`; one that has
   * ended stays as it is.
   * `CHANNEL_NOT_FOUND`, also where it is hidden; `STREAM_NOT_FOUND` where there is no such message.
   */
  | (Guard & {
      readonly type: 'cancel-stream'
      readonly id: string
      readonly channelId: string
      readonly messageId: string
    })
  /** The writer's own: the texts so far, for when both it and the streams' owners die. */
  | {
      readonly type: 'checkpoint-streams'
      readonly id: string
      readonly texts: readonly { readonly messageId: string; readonly text: string }[]
    }

/** A stream as its commands answer it. */
export interface StreamOutcome {
  readonly messageId: string
  /** `thinking`: an agent is on the message and does not speak yet; `waiting`: none is, and one was to be. */
  readonly state: StreamState | 'thinking' | 'waiting'
  /** True where a participant asked for the end of one that goes on. */
  readonly isCancelled?: boolean
}

/** One agent's work on one message. */
export interface TurnRef {
  readonly agentId: string
  readonly channelId: string
  readonly serverId: string
  readonly messageId: string
  readonly authorId: string
  /** Of the message. */
  readonly place: number
  /** True where it had been set aside: everybody was told that it is complete. */
  readonly isRetry?: boolean
}

/** What `WORK_CHUNK` carries, too. */
export interface ChunkRef {
  readonly messageId: string
  /** Chunks and UTF-16 code units of the stream before this one. */
  readonly index: number
  readonly offset: number
  readonly chunk: string
}

/** A stream of a process that has a new link to the writer. */
export interface StreamClaim extends ActiveStream {
  readonly channelId: string
}

/** What a participant wants to end: a stream, or what agents do about a message; `messageId` is either's. */
export interface Cancellation {
  readonly channelId: string
  readonly messageId: string
}

/**
 * What a process that runs agents tells everybody of their work, as it happens.
 *
 * All of it is kept here as long as it holds, and told again when the link or the writer is a new one. A process
 * that is gone for 2 s (a restarted writer waits 5 s) does nothing any more: its turns are over for those who
 * look on, and its streams end as `interrupted`.
 */
export interface AgentWork {
  /** All agents that this process runs. A message waits for no agent that nobody ran for 10 s. */
  runAgents(agentIds: readonly string[]): void
  /** The agent is on it: `thinking` for those in the channel, until `endTurn`. */
  beginTurn(turn: TurnRef): void
  /**
   * The agent is through with the message, whatever came of it. When all agents are that it waits for,
   * everybody in the channel gets `complete`, once.
   */
  endTurn(turn: TurnRef): void
  /** More text of an open stream of this process, in order behind its `open-stream` and ahead of its `end-stream`. */
  writeStream(chunk: ChunkRef): void
}
