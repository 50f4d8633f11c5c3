import { newId } from '../../util/new-id.ts'
import type { Command } from '../commands.ts'
import type { LiveStream } from './live-stream.ts'
import { STREAM_LIMITS } from './stream-limits.ts'

/** Whose text is longer than its checkpoint, in the order in which they came. */
export class StreamCheckpoints {
  readonly #changed = new Set<LiveStream>()
  #dueMs = 0

  changed(stream: LiveStream): void {
    this.#changed.add(stream)
  }

  forget(stream: LiveStream): void {
    this.#changed.delete(stream)
  }

  /**
   * The next checkpoint where it is time for one. A stream that comes again is the last in turn; one whose
   * checkpoint was not stored comes again when it goes on.
   */
  next(nowMs: number): Command | undefined {
    if (this.#changed.size === 0 || nowMs < this.#dueMs) return undefined
    this.#dueMs = nowMs + STREAM_LIMITS.checkpointPauseMs
    const texts: { readonly messageId: string; readonly text: string }[] = []
    let chars = 0
    for (const stream of this.#changed) {
      chars += stream.length
      if (chars > STREAM_LIMITS.checkpointChars && texts.length > 0) break
      this.#changed.delete(stream)
      texts.push({ messageId: stream.messageId, text: stream.text })
    }
    return { type: 'checkpoint-streams', id: newId(), texts }
  }
}
