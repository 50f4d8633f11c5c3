import { messageKey } from './facts.ts'
import type { ChannelFacts, Facts, Request } from './facts.ts'
import type { StoredEntry } from './truth.ts'

/** Edits, deletions and clears: what was confirmed is in effect, and nothing else happened. */
export function checkChanges(facts: Facts): string[] {
  return [...facts.channels.values()].flatMap((channel) => checkChannel(facts, channel))
}

function checkChannel(facts: Facts, channel: ChannelFacts): string[] {
  const wipes = facts.wipesOf(channel.channelId)
  const postings = channel.stored.filter(({ kind }) => kind === 'posted')
  return [
    ...checkErasures(channel),
    ...checkCounts(channel, wipes),
    ...postings.flatMap((posting) => checkPosting(facts, { channel, posting, wipes })),
  ]
}

/** A message is erased when, and only when, an entry behind it says so. */
function checkErasures({ channelId, stored }: ChannelFacts): string[] {
  const deleted = new Set(
    stored.filter(({ kind }) => kind === 'deleted').map(({ messageSeq }) => messageSeq),
  )
  const lastWipe = stored.findLast(({ kind }) => kind === 'cleared' || kind === 'removed')?.seq ?? 0
  return stored
    .filter(({ kind }) => kind === 'posted')
    .filter(({ seq, text }) => (text === null) !== (deleted.has(seq) || seq < lastWipe))
    .map(
      ({ seq, text }) =>
        `${channelId}: ${seq} ${text === null ? 'is erased, but no entry says so' : 'should be erased'}`,
    )
}

/**
 * Each confirmed clear made its entry, and nobody else did, where that can be told: what is removed already
 * has nothing to clear or remove, so that is confirmed as well and makes no entry.
 */
function checkCounts({ channelId, stored }: ChannelFacts, wipes: readonly Request[]): string[] {
  const clears = wipes.filter(({ change }) => change === 'clear')
  const confirmed = clears.filter(({ answeredAtUs }) => answeredAtUs !== undefined).length
  const cleared = stored.filter(({ kind }) => kind === 'cleared').length
  const violations: string[] = []
  const isNeverRemoved = clears.length === wipes.length
  if ((isNeverRemoved && cleared < confirmed) || (clears.length === 0 && cleared > 0)) {
    violations.push(
      `${channelId}: cleared ${cleared} times, ${confirmed} of ${clears.length} confirmed`,
    )
  }
  const removed = stored.filter(({ kind }) => kind === 'removed').length
  if (removed > 0 && isNeverRemoved) {
    violations.push(`${channelId}: removed ${removed} times, and nobody asked for it`)
  }
  const targets = stored
    .filter(({ kind }) => kind === 'deleted')
    .map(({ messageSeq }) => messageSeq)
  if (new Set(targets).size !== targets.length) {
    violations.push(`${channelId}: a message has more than one deletion entry`)
  }
  return violations
}

interface PostingContext {
  readonly channel: ChannelFacts
  readonly posting: StoredEntry
  /** Clears and removals of the channel. */
  readonly wipes: readonly Request[]
}

function checkPosting(facts: Facts, { channel, posting, wipes }: PostingContext): string[] {
  const { channelId } = channel
  const { authorId = '', clientMessageId = '', seq, text, id } = posting
  const sent = facts.firstSent.get(messageKey(channelId, authorId, clientMessageId))
  // Nobody sent it, which is reported elsewhere.
  if (sent === undefined) return []
  const own = facts.requestsOf(id)
  const what = `${channelId}: ${seq} (${clientMessageId} of ${authorId})`
  if (text === null) {
    // A clear or removal can have met it unless it was confirmed before the message was first sent.
    const mayBeErased =
      own.some(({ change }) => change === 'delete') ||
      wipes.some(({ answeredAtUs = Number.POSITIVE_INFINITY }) => answeredAtUs > sent.atUs)
    return mayBeErased ? [] : [`${what} was erased, and nobody asked for it`]
  }
  const isDeleted = own.some(
    ({ change, answeredAtUs }) => change === 'delete' && answeredAtUs !== undefined,
  )
  if (isDeleted) return [`${what} survived its confirmed deletion`]
  const ackedAtUs = firstAckOf(facts, channelId, id)
  const wipe = wipes.find(
    ({ atUs, answeredAtUs }) => answeredAtUs !== undefined && ackedAtUs < atUs,
  )
  if (wipe !== undefined) return [`${what} survived a confirmed ${wipe.change} that came after it`]
  if (own.some(({ isGone }) => isGone)) return [`${what} was said to be gone, and is there`]
  return finalTexts(sent.text, own).has(text)
    ? []
    : [`${what} has the text ${JSON.stringify(text)}`]
}

function firstAckOf(facts: Facts, channelId: string, messageId: string): number {
  return facts.ackedAtUs.get(`${channelId} ${messageId}`) ?? Number.POSITIVE_INFINITY
}

/** What a message may read in the end: its last confirmed text, or one that was asked for later. */
function finalTexts(first: string, own: readonly Request[]): ReadonlySet<string> {
  const edits = own.filter(({ change }) => change === 'edit')
  const lastConfirmed = edits.findLastIndex(({ answeredAtUs }) => answeredAtUs !== undefined)
  const open = edits.slice(Math.max(0, lastConfirmed)).map(({ text = '' }) => text)
  return new Set(lastConfirmed === -1 ? [first, ...open] : open)
}
