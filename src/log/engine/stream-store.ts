import type { ClientKey } from './store.ts'

/** A stream that goes on, as stored. */
export interface StreamRecord {
  /** Of the message that it becomes. */
  readonly id: string
  readonly channelKey: number
  readonly authorId: string
  /** The `clientMessageId` of the message; no two streams of an author in a channel have the same. */
  readonly name: string
  /** The process whose end is the stream's. */
  readonly owner: string
  /** The message that it answers. */
  readonly answers?: string
  readonly isCancelled: boolean
  /** JSON: the message's body, without its text. */
  readonly body: string
  /** A checkpoint. */
  readonly text: string
}

/** The primitive reads and writes of streams that go on; only the writer has them. */
export interface StreamStore {
  count(): number
  /** Ascending by id. */
  all(): readonly StreamRecord[]
  stream(id: string): StreamRecord | undefined
  named(key: ClientKey): StreamRecord | undefined
  /** Its id and its name are new. */
  insert(stream: StreamRecord): void
  /** Where there is such a stream. */
  saveText(id: string, text: string): void
  cancel(id: string): void
  remove(id: string): void
  removeOfChannel(channelKey: number): void
}
