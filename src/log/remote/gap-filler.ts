import type { Logger } from '../../telemetry/logger.ts'
import type { LogReader } from '../engine.ts'
import type { FollowedChannel } from './followed-channel.ts'

interface GapFillerOptions {
  readonly reader: Pick<LogReader, 'entries'>
  readonly logger: Logger | undefined
}

/** Most entries of one read. More: fewer reads; the event loop stands still for longer. */
const SLICE_ENTRIES = 500

/** Most bytes of bodies of one read; one entry is read in any case. More and less: as above. */
const SLICE_BYTES = 1_000_000

/** Time for reads in one turn of the event loop, in ms; at least one slice is read. */
const TURN_MS = 5

/** Wait after a read that failed or showed too little, in ms, doubling. */
const MIN_RETRY_MS = 10
const MAX_RETRY_MS = 1_000

/**
 * Reads what followed channels have missed, in slices, taking turns.
 *
 * It never skips: where a slice ends, the next one begins, and a read that fails, or does not show the
 * next entry, is repeated until it does.
 */
export class GapFiller {
  readonly #options: GapFillerOptions
  readonly #channels = new Set<FollowedChannel>()
  #immediate: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined
  #retryMs = MIN_RETRY_MS

  constructor(options: GapFillerOptions) {
    this.#options = options
  }

  add(channel: FollowedChannel): void {
    this.#channels.add(channel)
    if (this.#timer === undefined) this.#immediate ??= setImmediate(() => this.#turn())
  }

  remove(channel: FollowedChannel): void {
    this.#channels.delete(channel)
  }

  close(): void {
    this.#channels.clear()
    if (this.#immediate !== undefined) clearImmediate(this.#immediate)
    clearTimeout(this.#timer)
  }

  #turn(): void {
    this.#immediate = undefined
    const endMs = performance.now() + TURN_MS
    for (const channel of this.#channels) {
      if (!this.#readSlice(channel)) {
        this.#retryLater(channel)
        return
      }
      this.#retryMs = MIN_RETRY_MS
      // To the end of the line, so that a large gap does not hold up the small ones.
      this.#channels.delete(channel)
      if (channel.hasGap) this.#channels.add(channel)
      if (performance.now() >= endMs) break
    }
    if (this.#channels.size > 0) this.#immediate = setImmediate(() => this.#turn())
  }

  #readSlice(channel: FollowedChannel): boolean {
    if (!channel.hasGap) return true
    const { channelId, position = 0, target } = channel
    try {
      const slice = { limit: SLICE_ENTRIES, maxBytes: SLICE_BYTES }
      const range = { channelId, after: position, upTo: target, ...slice }
      channel.deliver(this.#options.reader.entries(range))
    } catch (error) {
      // SQLITE_BUSY past the reader's timeout, or an I/O error.
      this.#options.logger?.warn({ err: error, channelId }, 'missed entries could not be read')
      return false
    }
    if ((channel.position ?? 0) > position) return true
    this.#options.logger?.warn({ channelId, position, target }, 'missed entries are not there yet')
    return false
  }

  #retryLater(channel: FollowedChannel): void {
    this.#channels.delete(channel)
    this.#channels.add(channel)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#turn()
    }, this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS)
  }
}
