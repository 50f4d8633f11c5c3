import type { FeedConsumer } from '../../../src/log/log.ts'
import type { Entry, Ephemeral, JoinNotice } from '../../../src/protocol/model.ts'

type Event = { readonly entries: readonly Entry[] } | { readonly frame: Ephemeral }

/** Remembers what a log delivered, channel by channel, in order. */
export class Recorder implements FeedConsumer {
  readonly #events = new Map<string, Event[]>()
  readonly #lastSeqs = new Map<string, number>()
  readonly #waiting = new Set<() => void>()

  onEntries(channelId: string, entries: readonly Entry[]): void {
    this.#lastSeqs.set(channelId, entries.at(-1)?.seq ?? 0)
    this.#add(channelId, { entries })
  }

  onEphemeral(frame: Ephemeral): void {
    this.#add(frame.channelId, { frame })
  }

  /** Entries and frames as they came: numbers for entries, message ids for frames. */
  sequence(channelId: string): readonly (number | string)[] {
    return this.#of(channelId).flatMap((event): (number | string)[] =>
      'frame' in event
        ? [event.frame.kind === 'complete' ? (event.frame.messageId ?? '') : event.frame.kind]
        : event.entries.map(({ seq }) => seq),
    )
  }

  entries(channelId: string): readonly Entry[] {
    return this.#of(channelId).flatMap((event) => ('entries' in event ? event.entries : []))
  }

  seqs(channelId: string): readonly number[] {
    return this.entries(channelId).map(({ seq }) => seq)
  }

  /** Numbers call by call. */
  calls(channelId: string): readonly (readonly number[])[] {
    return this.#of(channelId).flatMap((event) =>
      'entries' in event ? [event.entries.map(({ seq }) => seq)] : [],
    )
  }

  /** Resolves once `isMet` holds, looked at after every delivery. */
  until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isMet()) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }

  reached(channelId: string, seq: number): Promise<void> {
    return this.until(() => (this.#lastSeqs.get(channelId) ?? 0) >= seq)
  }

  #of(channelId: string): readonly Event[] {
    return this.#events.get(channelId) ?? []
  }

  #add(channelId: string, event: Event): void {
    const events = this.#events.get(channelId)
    if (events === undefined) this.#events.set(channelId, [event])
    else events.push(event)
    this.look()
  }

  /** Looks whether something that is waited for is there. */
  protected look(): void {
    for (const look of this.#waiting) look()
  }
}

/** Remembers as well the places and joins of which it was told, in order. */
export class Watcher extends Recorder {
  readonly places: number[] = []
  readonly joins: JoinNotice[] = []
  agentChanges = 0

  onJoined(joined: JoinNotice): void {
    this.joins.push(joined)
    this.look()
  }

  onAgentsChanged(): void {
    this.agentChanges += 1
    this.look()
  }

  onCommitted(place: number): void {
    this.places.push(place)
    this.look()
  }
}

/** `from`, …, `to`; empty when `from` is above. */
export function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
}
