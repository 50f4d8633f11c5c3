import type { Completion, Entry, Ephemeral, Message } from '../protocol/model.ts'
import { OpenMessages } from './open-messages.ts'

/**
 * Messages of one channel, by their ids, of which it is remembered that they are complete: of those that came before
 * anybody followed nobody is told twice. And those that are not and came since: where one becomes so while there is no
 * link, that is made up for. More: of more messages either holds however many came meanwhile, for some 100 bytes each.
 */
const MAX_REMEMBERED = 256
/** Channels without followers of which it is remembered, too; past it those that were left first are forgotten. */
const MAX_LEFT_CHANNELS = 256

/**
 * Lets followers of a channel hear of each message once that it is complete: what is told again is left out, and what
 * was told while there was no link is made up for. A writer that dies is followed by one that tells again what agents
 * have not settled, thousands of messages perhaps: those that came here are known by their numbers.
 */
export class ToldCompletions {
  readonly channelId: string
  readonly #told = new Set<string>()
  /** Messages that followers have and that are not complete. */
  readonly #open = new Map<string, Pick<Message, 'serverId' | 'seq'>>()
  #numbers = new OpenMessages()

  constructor(channelId: string) {
    this.channelId = channelId
  }

  /** What followers are to be told of a frame. */
  take(frame: Ephemeral): readonly Ephemeral[] {
    switch (frame.kind) {
      case 'complete':
        return this.#isNew(frame) ? [frame] : []
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
      const message = entry.kind === 'posted' && entry.hasAgents ? entry.message : null
      const isOpen = message !== null && !this.#told.has(message.id)
      // Brought again, as what is read to fill a gap may be.
      if (!this.#numbers.add(entry.seq, isOpen) || !isOpen) continue
      const { id, serverId, seq } = message
      this.#open.set(id, { serverId, seq })
      dropSurplus(this.#open)
    }
  }

  /** Nobody follows for now: what is complete meanwhile is not made up for. */
  rest(): void {
    this.#open.clear()
    this.#numbers = new OpenMessages()
  }

  #isNew({ messageId, messageSeq }: Completion): boolean {
    if (messageId === undefined) return true
    const seq = messageSeq ?? this.#open.get(messageId)?.seq ?? 0
    return this.#numbers.close(seq) !== false && this.#note(messageId)
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
      const { serverId, seq = 0 } = this.#open.get(messageId) ?? {}
      if (serverId === undefined || !this.#note(messageId)) return []
      this.#numbers.close(seq)
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

function dropSurplus(known: Set<string> | Map<string, unknown>): void {
  if (known.size <= MAX_REMEMBERED) return
  const [oldest = ''] = known.keys()
  known.delete(oldest)
}
