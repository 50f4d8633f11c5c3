/** A client's acknowledgement callback; Socket.IO calls it at most once. */
export type Acknowledge = (answer: object) => void

/** A message of a connection on its way to the log and back. */
export interface OwnMessage {
  readonly clientMessageId: string | undefined
  readonly acknowledge: Acknowledge
}
