import type { Journal, Recorded } from './journal.ts'
import type { ChannelTruth, StoredEntry } from './truth.ts'

type Sent = Recorded & { readonly what: 'sent' }
type Asked = Recorded & { readonly what: 'asked' }

/** A request to change something, and when it was confirmed. */
export interface Request extends Asked {
  /** Absent: it may have happened, or not. */
  readonly answeredAtUs?: number
}

/** One channel with what the checks look up in it. */
export interface ChannelFacts extends ChannelTruth {
  readonly bySeq: ReadonlyMap<number, StoredEntry>
  /** Postings and what was done to them, by the posting's number. */
  readonly editsOf: ReadonlyMap<number, readonly StoredEntry[]>
}

export interface Facts {
  /** Missed entries up to which the server must replay them, all of them. */
  readonly maxResumeEntries: number
  readonly journals: readonly Journal[]
  readonly channels: ReadonlyMap<string, ChannelFacts>
  /** The first sending of each message; by `messageKey`. */
  readonly firstSent: ReadonlyMap<string, Sent>
  /** When a message was first known to be stored; by channel and message id. */
  readonly ackedAtUs: ReadonlyMap<string, number>
  /** In order of asking. */
  readonly requests: readonly Request[]
  /** The texts that edits were to give a message, in order of asking. */
  textsOf(messageId: string): readonly string[]
}

/** Names a message as its sender does. */
export function messageKey(channelId: string, authorId: string, clientMessageId: string): string {
  return `${channelId} ${authorId} ${clientMessageId}`
}

function indexed(truth: ChannelTruth): ChannelFacts {
  const editsOf = new Map<number, StoredEntry[]>()
  for (const entry of truth.stored) {
    if (entry.kind !== 'edited' || entry.messageSeq === undefined) continue
    const edits = editsOf.get(entry.messageSeq)
    if (edits === undefined) editsOf.set(entry.messageSeq, [entry])
    else edits.push(entry)
  }
  return { ...truth, bySeq: new Map(truth.stored.map((entry) => [entry.seq, entry])), editsOf }
}

function requestsOf(journal: Journal): Request[] {
  const answers = new Map(journal.all('answered').map(({ requestId, atUs }) => [requestId, atUs]))
  return journal.all('asked').map((asked) => {
    const answeredAtUs = answers.get(asked.requestId)
    return Object.assign({}, asked, answeredAtUs !== undefined && { answeredAtUs })
  })
}

/** Everything that the checks look up, looked up once. */
export function createFacts(
  journals: readonly Journal[],
  truths: readonly ChannelTruth[],
  maxResumeEntries: number,
): Facts {
  const firstSent = new Map<string, Sent>()
  const ackedAtUs = new Map<string, number>()
  for (const journal of journals) {
    for (const sent of journal.all('sent')) {
      const key = messageKey(sent.channelId, journal.name, sent.clientMessageId)
      if (!firstSent.has(key)) firstSent.set(key, sent)
    }
    for (const { channelId, messageId, atUs } of journal.all('acked')) {
      const key = `${channelId} ${messageId}`
      ackedAtUs.set(key, Math.min(atUs, ackedAtUs.get(key) ?? atUs))
    }
  }
  const requests = journals.flatMap(requestsOf).toSorted((one, other) => one.atUs - other.atUs)
  const texts = new Map<string, string[]>()
  for (const { change, messageId, text } of requests) {
    if (change !== 'edit' || messageId === undefined || text === undefined) continue
    texts.set(messageId, [...(texts.get(messageId) ?? []), text])
  }
  return {
    maxResumeEntries,
    journals,
    channels: new Map(truths.map((truth) => [truth.channelId, indexed(truth)])),
    firstSent,
    ackedAtUs,
    requests,
    textsOf: (messageId) => texts.get(messageId) ?? [],
  }
}
