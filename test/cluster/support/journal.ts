/** What a subscriber saw of one entry of a channel. */
export interface SeenEntry {
  readonly what: 'entry'
  readonly channelId: string
  readonly seq: number
  readonly kind: 'posted' | 'edited' | 'deleted' | 'cleared' | 'updated' | 'removed'
  readonly messageId?: string
  readonly senderId?: string
  readonly text?: string
  readonly clientMessageId?: string
  readonly messageSeq?: number
}

/** Durable changes that a client asks for over REST, beside posting. */
export type Change = 'edit' | 'delete' | 'clear'

/** One thing that a client did or saw. Plain data, so that a journal can be written to a file. */
export type Happening =
  | { readonly what: 'connected'; readonly gatewayId: string }
  | { readonly what: 'connect-failed'; readonly reason: string }
  | { readonly what: 'upgraded' }
  | { readonly what: 'disconnected'; readonly reason: string }
  | {
      readonly what: 'joined'
      readonly channelId: string
      readonly epoch: string
      readonly seq: number
      /** Absent when the join named no `since`. */
      readonly recovered?: boolean
    }
  | {
      readonly what: 'sent'
      readonly channelId: string
      readonly clientMessageId: string
      readonly text: string
    }
  | {
      readonly what: 'acked'
      readonly via: 'event' | 'callback' | 'rest'
      readonly channelId: string
      readonly clientMessageId: string
      readonly messageId: string
      readonly seq: number
    }
  | { readonly what: 'refused'; readonly code: string; readonly clientMessageId?: string }
  | {
      readonly what: 'asked'
      readonly change: Change
      readonly requestId: number
      readonly channelId: string
      /** Of an edit or a deletion. */
      readonly messageId?: string
      /** Of an edit. */
      readonly text?: string
    }
  /** The change was confirmed; without this nobody knows whether it happened. */
  | { readonly what: 'answered'; readonly requestId: number }
  | SeenEntry

export type Recorded = Happening & {
  /** Microseconds of the machine's monotonic clock: comparable between processes. */
  readonly atUs: number
}

type What = Happening['what']

/** Everything that one client did and saw, in its order. The oracle reads nothing else of a client. */
export class Journal {
  /** The entity as which the client sends. */
  readonly name: string
  readonly #records: Recorded[] = []

  constructor(name: string) {
    this.name = name
  }

  record(happening: Happening): void {
    const atUs = Number(process.hrtime.bigint() / 1000n)
    this.#records.push({ ...happening, atUs })
  }

  get records(): readonly Recorded[] {
    return this.#records
  }

  /** The records of one kind. */
  all<W extends What>(what: W): readonly (Recorded & { readonly what: W })[] {
    return this.#records.filter(
      (record): record is Recorded & { readonly what: W } => record.what === what,
    )
  }

  count(what: What): number {
    return this.all(what).length
  }
}
