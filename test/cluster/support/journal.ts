import { createHash } from 'node:crypto'

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

/** Durable changes that a client asks for over REST, beside posting; `remove` deletes the whole channel. */
export type Change = 'edit' | 'delete' | 'clear' | 'remove'

/** One thing that a client did or saw. Plain data, so that a journal can be written to a file. */
export type Happening =
  | { readonly what: 'connected'; readonly gatewayId: string }
  | { readonly what: 'connect-failed'; readonly reason: string }
  | { readonly what: 'upgraded' }
  | { readonly what: 'disconnected'; readonly reason: string }
  /** A join was asked for; without `since` the client wants to start anew where the channel is now. */
  | { readonly what: 'joining'; readonly channelId: string; readonly since?: number }
  | {
      readonly what: 'joined'
      readonly channelId: string
      readonly epoch: string
      readonly seq: number
      /** Absent when the join named no `since`. */
      readonly recovered?: boolean
    }
  /** Asked to leave, or went away for good: what comes from here on it need not see. */
  | { readonly what: 'leaving'; readonly channelId: string }
  /** The leave was confirmed. */
  | { readonly what: 'left'; readonly channelId: string }
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
  /** The change was refused, because the message is not there any more. */
  | { readonly what: 'gone'; readonly requestId: number }
  | SeenEntry

export type Recorded = Happening & {
  /** Microseconds of the machine's monotonic clock: comparable between processes. */
  readonly atUs: number
}

/** Characters of the text that `shortened` was given. */
export function lengthOf(text: string): number {
  const [, length = text.length] = /… (\d+) characters, [0-9a-f]{40}$/.exec(text) ?? []
  return Number(length)
}

type What = Happening['what']

/** Characters of a text that a journal keeps; of a longer one, the beginning and a digest. */
const MAX_TEXT_CHARS = 200

/** The text, or what stands for a long one: equal for equal texts, and no other. */
export function shortened(text: string): string {
  if (text.length <= MAX_TEXT_CHARS) return text
  const digest = createHash('sha1').update(text).digest('hex')
  return `${text.slice(0, 40)}… ${text.length} characters, ${digest}`
}

/** Everything that one client did and saw, in its order. The oracle reads nothing else of a client. */
export class Journal {
  /** The entity as which the client sends. */
  readonly name: string
  readonly #records: Recorded[] = []

  constructor(name: string) {
    this.name = name
  }

  /** @param atUs for what happened at another time than now. */
  record(happening: Happening, atUs = Number(process.hrtime.bigint() / 1000n)): void {
    const hasText = 'text' in happening && happening.text !== undefined
    const text = hasText && { text: shortened(happening.text) }
    this.#records.push({ ...happening, ...text, atUs })
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
