import type { Completion, Entry, Ephemeral } from '../protocol/model.ts'

/**
 * Messages of one channel of which it is remembered that they are complete, and as many that are not. A writer that
 * dies right behind telling so is followed by one that tells it again: of those that were in the air then nobody is
 * told twice. More: of more messages it holds however many came meanwhile, for some 100 bytes each.
 */
const MAX_REMEMBERED = 256
/** Channels without followers of which it is remembered, too; past it those that were left first are forgotten. */
const MAX_LEFT_CHANNELS = 256

/**
 * Lets followers of a channel hear of each message once that it is complete: what is told again is left out, and what
 * was told while there was no link is made up for.
 */
export class ToldCompletions {
  readonly channelId: string
  readonly #told = new Set<string>()
  /** Messages that followers have and that are not complete, with their servers. */
  readonly #open = new Map<string, string>()

  constructor(channelId: string) {
    this.channelId = channelId
  }

  /** What followers are to be told of a frame. */
  take(frame: Ephemeral): readonly Ephemeral[] {
    switch (frame.kind) {
      case 'complete':
        return frame.messageId === undefined || this.#note(frame.messageId) ? [frame] : []
      case 'activity':
        return [frame, ...this.#missed(frame.completed)]
      case 'chunk':
      case 'loss':
      case 'turn':
      case 'typing':
        return [frame]
    }
  }

  takeEntries(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.kind !== 'posted' || !entry.hasAgents || entry.message === null) continue
      const { id, serverId } = entry.message
      if (this.#told.has(id)) continue
      this.#open.set(id, serverId)
      dropSurplus(this.#open)
    }
  }

  /** Nobody follows for now: what is complete meanwhile is not made up for. */
  rest(): void {
    this.#open.clear()
  }

  /** True when it was not told before; from here on it was. */
  #note(messageId: string): boolean {
    if (this.#told.has(messageId)) return false
    this.#open.delete(messageId)
    this.#told.add(messageId)
    dropSurplus(this.#told)
    return true
  }

  /** Of what is complete, as the writer says over a new link, that of which followers were not told. */
  #missed(completed: readonly string[] = []): readonly Completion[] {
    return completed.flatMap((messageId) => {
      const serverId = this.#open.get(messageId)
      if (serverId === undefined || !this.#note(messageId)) return []
      return [{ kind: 'complete', channelId: this.channelId, serverId, messageId }]
    })
  }
}

/**
 * What was told in channels that nobody follows for now, since who left may be back at once, and is not told again
 * either.
 */
export class LeftChannels {
  /** The ones that were left first are the first. */
  readonly #left = new Map<string, ToldCompletions>()

  /** Of a channel that is followed from now on. */
  take(channelId: string): ToldCompletions {
    const known = this.#left.get(channelId)
    this.#left.delete(channelId)
    return known ?? new ToldCompletions(channelId)
  }

  keep(completions: ToldCompletions): void {
    completions.rest()
    this.#left.set(completions.channelId, completions)
    const [oldest = ''] = this.#left.keys()
    if (this.#left.size > MAX_LEFT_CHANNELS) this.#left.delete(oldest)
  }
}

function dropSurplus(known: Set<string> | Map<string, string>): void {
  if (known.size <= MAX_REMEMBERED) return
  const [oldest = ''] = known.keys()
  known.delete(oldest)
}
