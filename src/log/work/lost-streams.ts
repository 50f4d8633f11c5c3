import { newId } from '../../util/new-id.ts'
import type { Command } from '../commands.ts'
import { PROCESS_ENDED } from '../engine/apply-stream.ts'
import type { LiveStream } from './live-stream.ts'
import { STREAM_LIMITS } from './stream-limits.ts'

/**
 * The streams that are to end for want of their processes. Each stays until its end is stored: one that was lost,
 * or for which there was no room, is submitted again.
 */
export class LostStreams {
  readonly #submit: (command: Command) => void
  readonly #lost = new Set<LiveStream>()

  constructor(submit: (command: Command) => void) {
    this.#submit = submit
  }

  add(stream: LiveStream): void {
    this.#lost.add(stream)
  }

  /** Its process is there again; where its end is submitted already it ends all the same. */
  found(stream: LiveStream): void {
    if (stream.endingSinceMs === undefined) this.#lost.delete(stream)
  }

  /** It goes on no more. */
  forget(stream: LiveStream): void {
    this.#lost.delete(stream)
  }

  /** Submits its end at once. */
  end(stream: LiveStream, nowMs: number): void {
    this.#lost.add(stream)
    stream.endingSinceMs = nowMs
    const { messageId, text } = stream
    const ending = { messageId, state: 'interrupted', error: PROCESS_ENDED } as const
    const body = { ...stream.body, text }
    this.#submit({ type: 'end-stream', id: newId(), ...ending, body })
  }

  /** Submits the ends of some of those for which that was not done lately, so that others are not kept waiting. */
  endSome(nowMs: number): void {
    let chars = 0
    let count = 0
    for (const stream of this.#lost) {
      const { endingSinceMs = Number.NEGATIVE_INFINITY } = stream
      if (nowMs - endingSinceMs < STREAM_LIMITS.retryMs) continue
      chars += stream.length
      count += 1
      if (count > STREAM_LIMITS.endsPerLook) return
      if (count > 1 && chars > STREAM_LIMITS.endedCharsPerLook) return
      this.end(stream, nowMs)
    }
  }
}
