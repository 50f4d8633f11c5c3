import type { Entry, Ephemeral, StreamChunk } from '../../protocol/model.ts'
import type { FeedConsumer } from '../log.ts'

/** Most frames of one channel that wait for a gap to be filled, where they tell that somebody types; past it they are lost. */
const MAX_HELD_FRAMES = 64
/**
 * The same of what agents do: past it what they do then is asked for once the gap is filled. More: a gap may last longer
 * in a busy channel, for some 300 bytes each.
 */
const MAX_HELD_WORK = 4_096

/**
 * One followed channel: what of it was delivered, and what is known to exist.
 *
 * Invariant: everything up to `position` was delivered, once and in order, and nothing above. While
 * `target` is above `position` there is a gap: what arrives only raises `target` and is read from the
 * log afterwards, so that a gap of any size needs no memory.
 */
export class FollowedChannel {
  readonly channelId: string
  /** The number of the follow that is being asked for; answers of earlier ones are stale. */
  ref = 0
  /** False until the first answer: what arrives before it belongs to an earlier follow. */
  isConfirmed = false
  #isEnded = false
  /** Of what agents do something was lost since the gap began. */
  #hasLost = false
  readonly #consumer: FeedConsumer
  readonly #onLost: () => void
  #position: number | undefined
  #target = 0
  /** In the order of their places, which are those of arrival. */
  #held: { readonly after: number; frame: Ephemeral }[] = []
  #waiters: { readonly seq: number; readonly release: () => void }[] = []

  /** Calls `onLost` at the end of each gap in which something of what agents do was lost. */
  constructor(channelId: string, consumer: FeedConsumer, onLost: () => void) {
    this.channelId = channelId
    this.#consumer = consumer
    this.#onLost = onLost
  }

  get position(): number | undefined {
    return this.#position
  }

  get target(): number {
    return this.#target
  }

  get hasGap(): boolean {
    return !this.#isEnded && this.#position !== undefined && this.#position < this.#target
  }

  /** Takes the feed's position: where delivery begins, or up to where it has to catch up. */
  confirm(position: number): void {
    this.isConfirmed = true
    this.#position ??= position
    this.#target = Math.max(this.#target, position)
  }

  /** Takes what the feed brought: delivers it if it follows on, else notes that it exists. */
  receive(entries: readonly Entry[], upTo = 0): void {
    const missed = this.deliver(entries) > 0 ? (entries.at(-1)?.seq ?? 0) : 0
    this.#target = Math.max(this.#target, missed, upTo)
  }

  /** Delivers the entries that continue the position; answers how many did not and are left out. */
  deliver(entries: readonly Entry[]): number {
    const position = this.#position ?? 0
    const first = entries.findIndex(({ seq }) => seq > position)
    if (this.#isEnded || first === -1) return 0
    let end = first
    while (entries[end]?.seq === position + 1 + end - first) end += 1
    const isWhole = first === 0 && end === entries.length
    if (end > first) this.#advance(isWhole ? entries : entries.slice(first, end))
    return entries.length - end
  }

  /** Hands over what continues the position, and each frame that waits in its place. */
  #advance(entries: readonly Entry[]): void {
    let rest = entries
    while (rest.length > 0 && !this.#isEnded) {
      const position = this.#position ?? 0
      const next = (this.#held[0]?.after ?? Infinity) - position
      const count = Math.min(rest.length, Math.max(next, 1))
      this.#position = position + count
      this.#target = Math.max(this.#target, this.#position)
      this.#consumer.onEntries(this.channelId, count === rest.length ? rest : rest.slice(0, count))
      this.#release()
      rest = rest.slice(count)
    }
  }

  /** Delivers a frame behind all entries that came before it, or keeps it until they were read. */
  receiveFrame(frame: Ephemeral): void {
    if (!this.hasGap) this.#consumer.onEphemeral(frame)
    else if (frame.kind === 'chunk' && this.#join(frame)) return
    else if (this.#hasRoom(frame)) this.#held.push({ after: this.#target, frame })
    else if (frame.kind !== 'typing') this.#hasLost = true
  }

  /** What a process begins with over a new link replaces what it has lost, and always has room. */
  #hasRoom({ kind }: Ephemeral): boolean {
    if (kind === 'activity') return true
    return this.#held.length < (kind === 'typing' ? MAX_HELD_FRAMES : MAX_HELD_WORK)
  }

  /**
   * Adds a chunk to the one of the same stream that is held, so that a long gap needs no more frames. Not where the
   * link was another one between them: what was lost with it comes with the `activity` that is held there.
   */
  #join({ messageId, offset, chunk }: StreamChunk): boolean {
    for (const held of this.#held) {
      const { frame } = held
      if (frame.kind !== 'chunk' || frame.messageId !== messageId) continue
      if (frame.offset + frame.chunk.length !== offset) continue
      held.frame = { ...frame, chunk: frame.chunk + chunk }
      return true
    }
    return false
  }

  /** Runs `release` as soon as the entry was delivered; at once when it was, or will not be. */
  whenDelivered(seq: number, release: () => void): void {
    if (this.#position === undefined || this.#position >= seq) release()
    else this.#waiters.push({ seq, release })
  }

  /** Nothing more is delivered; whoever waits need not. */
  end(): void {
    this.isConfirmed = false
    this.#isEnded = true
    this.#held = []
    const waiters = this.#waiters
    this.#waiters = []
    for (const { release } of waiters) release()
  }

  #release(): void {
    const position = this.#position ?? 0
    if (this.#held.length > 0) {
      const due = this.#held.filter(({ after }) => after <= position)
      this.#held = this.#held.filter(({ after }) => after > position)
      for (const { frame } of due) this.#consumer.onEphemeral(frame)
    }
    if (this.#waiters.length > 0) {
      const due = this.#waiters.filter(({ seq }) => seq <= position)
      this.#waiters = this.#waiters.filter(({ seq }) => seq > position)
      for (const { release } of due) release()
    }
    if (this.#hasLost && !this.hasGap && !this.#isEnded) {
      this.#hasLost = false
      this.#onLost()
    }
  }
}
