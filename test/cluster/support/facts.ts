import type { Journal, Recorded } from './journal.ts'
import type { ChannelTruth, StoredEntry } from './truth.ts'

type Sent = Recorded & { readonly what: 'sent' }
type Asked = Recorded & { readonly what: 'asked' }

/** A request to change something, and when it was confirmed. */
export interface Request extends Asked {
  /** Absent: it may have happened, or not. */
  readonly answeredAtUs?: number
  /** The answer was that the message is not there any more. */
  readonly isGone?: true
}

/** One channel with what the checks look up in it. */
export interface ChannelFacts extends ChannelTruth {
  readonly bySeq: ReadonlyMap<number, StoredEntry>
  /** Postings and what was done to them, by the posting's number. */
  readonly editsOf: ReadonlyMap<number, readonly StoredEntry[]>
  /** The number of the entry that deleted the channel last; 0 when none did. */
  readonly lastRemovedSeq: number
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
  /** What was asked of a whole channel, its clears and removals, in order of asking. */
  wipesOf(channelId: string): readonly Request[]
  /** What was asked of one message, its edits and deletions, in order of asking. */
  requestsOf(messageId: string): readonly Request[]
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
  const bySeq = new Map(truth.stored.map((entry) => [entry.seq, entry]))
  const lastRemovedSeq = truth.stored.findLast(({ kind }) => kind === 'removed')?.seq ?? 0
  return { ...truth, bySeq, editsOf, lastRemovedSeq }
}

function requestsOf(journal: Journal): Request[] {
  const answers = new Map(journal.all('answered').map(({ requestId, atUs }) => [requestId, atUs]))
  const gone = new Set(journal.all('gone').map(({ requestId }) => requestId))
  return journal.all('asked').map((asked) => {
    const answeredAtUs = answers.get(asked.requestId)
    const isGone = gone.has(asked.requestId) && { isGone: true as const }
    return Object.assign({}, asked, answeredAtUs !== undefined && { answeredAtUs }, isGone)
  })
}

/** Requests by what they are about: a message, or a whole channel. */
function grouped(requests: readonly Request[]): ReadonlyMap<string, readonly Request[]> {
  const groups = new Map<string, Request[]>()
  for (const request of requests) {
    const about = request.messageId ?? `channel ${request.channelId}`
    const group = groups.get(about)
    if (group === undefined) groups.set(about, [request])
    else group.push(request)
  }
  return groups
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
  const groups = grouped(requests)
  const requestsAbout = (messageId: string): readonly Request[] => groups.get(messageId) ?? []
  return {
    maxResumeEntries,
    journals,
    channels: new Map(truths.map((truth) => [truth.channelId, indexed(truth)])),
    firstSent,
    ackedAtUs,
    wipesOf: (channelId) => groups.get(`channel ${channelId}`) ?? [],
    requestsOf: requestsAbout,
    textsOf: (messageId) =>
      requestsAbout(messageId).flatMap(({ text }) => (text === undefined ? [] : [text])),
  }
}
