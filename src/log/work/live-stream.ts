import type { ActiveStream, MessageBody, StreamChunk } from '../../protocol/model.ts'
import type { ChunkRef } from '../agent-work.ts'
import { STREAM_LIMITS } from './stream-limits.ts'

/** A stream as it begins here. */
export interface LiveStreamDraft {
  readonly messageId: string
  readonly channelId: string
  readonly agentId: string
  readonly owner: string
  /** The message that it answers. */
  readonly answers?: string | undefined
  /** The client ids, one of which its message gets. */
  readonly names: readonly string[]
  /** Of the message, without its text. */
  readonly body: MessageBody
  readonly text: string
  readonly isCancelled: boolean
  readonly isClaimed: boolean
}

/**
 * The text of a stream that goes on.
 *
 * Invariant: what was given away and what waits are together what its owner wrote from the beginning, without
 * a gap; the end of it may be missing.
 */
export class LiveStream {
  readonly messageId: string
  readonly channelId: string
  readonly agentId: string
  readonly owner: string
  readonly answers: string | undefined
  readonly names: readonly string[]
  readonly body: MessageBody
  isCancelled: boolean
  /** Whether its owner is known to be at it. */
  isClaimed: boolean
  /** When its end was put into the queue, for want of its owner. */
  endingSinceMs: number | undefined
  /** When a place for what waits was put into the queue. */
  markedSinceMs: number | undefined
  /** Never cut or joined to be given: it would be copied for every chunk. */
  #given: string
  #waiting = ''
  /** The number of the first chunk that waits. */
  #waitingIndex = 0
  /** The number of the next chunk. */
  #nextIndex: number

  constructor(draft: LiveStreamDraft) {
    this.messageId = draft.messageId
    this.channelId = draft.channelId
    this.agentId = draft.agentId
    this.owner = draft.owner
    this.answers = draft.answers
    this.names = draft.names
    this.body = draft.body
    this.isCancelled = draft.isCancelled
    this.isClaimed = draft.isClaimed
    this.#given = draft.text
    this.#nextIndex = draft.text === '' ? 0 : 1
  }

  get length(): number {
    return this.#given.length + this.#waiting.length
  }

  get text(): string {
    return this.#given + this.#waiting
  }

  get isWaiting(): boolean {
    return this.#waiting !== ''
  }

  /**
   * Adds what is new of a chunk, as far as there is room, and answers how long that is: 0 for one that is known
   * already, and for one with a gap before it.
   */
  append({ index, offset, chunk }: Omit<ChunkRef, 'messageId'>, roomChars: number): number {
    const { length } = this
    if (offset > length) return 0
    const room = Math.min(roomChars, STREAM_LIMITS.maxTextChars - length)
    const added = cut(chunk.slice(length - offset), room)
    if (added !== '' && this.#waiting === '') this.#waitingIndex = Math.max(index, this.#nextIndex)
    this.#nextIndex = Math.max(index + 1, this.#nextIndex)
    this.#waiting += added
    return added.length
  }

  /** All that waits; undefined when nothing does. */
  take(): StreamChunk | undefined {
    if (this.#waiting === '') return undefined
    const frame = this.frame(this.#waiting)
    this.#given += this.#waiting
    this.#waiting = ''
    return frame
  }

  frame(chunk: string): StreamChunk {
    const { messageId, channelId, agentId } = this
    const [index, offset] = [this.#waitingIndex, this.#given.length]
    return { kind: 'chunk', channelId, messageId, agentId, index, offset, chunk }
  }

  /** As those know it who were given all that was given away. */
  shown(): ActiveStream {
    const { messageId, agentId } = this
    const index = this.isWaiting ? this.#waitingIndex : this.#nextIndex
    return { messageId, agentId, index, text: this.#given }
  }
}

/** Never between the halves of one character. */
function cut(text: string, room: number): string {
  if (text.length <= room) return text
  return text.slice(0, Math.max(room, 0)).replace(/[\uD800-\uDBFF]$/, '')
}
