import { messageKey } from './facts.ts'
import type { ChannelFacts, Facts } from './facts.ts'
import type { Journal } from './journal.ts'
import type { StoredEntry } from './truth.ts'

/** What is stored, by itself and against what was sent and acknowledged. */
export function checkHistory(facts: Facts): string[] {
  const channels = [...facts.channels.values()]
  return [
    ...channels.flatMap(checkNumbers),
    ...channels.flatMap((channel) => checkOnlySent(facts, channel)),
    ...channels.flatMap(checkListed),
    ...facts.journals.flatMap((journal) => checkAcknowledged(facts, journal)),
    ...facts.journals.flatMap((journal) => checkOrder(facts, journal)),
  ]
}

function checkNumbers({ channelId, stored }: ChannelFacts): string[] {
  const wrong = stored.findIndex((entry, index) => entry.seq !== index + 1)
  if (wrong === -1) return []
  return [`${channelId}: entry ${stored[wrong]?.seq} is stored where ${wrong + 1} belongs`]
}

/** Everything stored was sent by somebody, and no message is stored twice. */
function checkOnlySent(facts: Facts, { channelId, stored }: ChannelFacts): string[] {
  const violations: string[] = []
  const seen = new Set<string>()
  for (const { kind, seq, authorId = '', clientMessageId = '' } of stored) {
    if (kind !== 'posted') continue
    const key = messageKey(channelId, authorId, clientMessageId)
    if (!facts.firstSent.has(key)) violations.push(`${channelId}: nobody sent ${seq} (${key})`)
    if (seen.has(key)) violations.push(`${channelId}: ${key} is stored twice, again as ${seq}`)
    seen.add(key)
  }
  return violations
}

/** History over REST is exactly what survives in the database, in its order. */
function checkListed({ channelId, stored, history }: ChannelFacts): string[] {
  const surviving = stored.filter(({ kind, text }) => kind === 'posted' && text !== null)
  const wanted = surviving.map(({ id, seq, authorId, text }) => `${seq} ${id} ${authorId}: ${text}`)
  const listed = history.map(
    ({ id, seq, authorId, content }) => `${seq} ${id} ${authorId}: ${content}`,
  )
  const length = Math.max(wanted.length, listed.length)
  for (let index = 0; index < length; index += 1) {
    if (wanted[index] === listed[index]) continue
    return [
      `${channelId}: history lists ${listed[index] ?? 'nothing'} where ${wanted[index] ?? 'nothing'} is stored`,
    ]
  }
  return []
}

/** Acknowledged means stored, under the id and number of every acknowledgement. */
function checkAcknowledged(facts: Facts, journal: Journal): string[] {
  const { name } = journal
  const violations: string[] = []
  const answers = new Map<string, string>()
  for (const ack of journal.all('acked')) {
    const { channelId, clientMessageId, messageId, seq } = ack
    const what = `${channelId}: ${clientMessageId} of ${name}, acknowledged as ${seq}`
    const answer = `${messageId} ${seq}`
    const earlier = answers.get(`${channelId} ${clientMessageId}`) ?? answer
    if (earlier !== answer) violations.push(`${what}, had been acknowledged as ${earlier}`)
    answers.set(`${channelId} ${clientMessageId}`, earlier)
    const entry = facts.channels.get(channelId)?.bySeq.get(seq)
    if (!isThatMessage(entry, { messageId, authorId: name, clientMessageId })) {
      violations.push(`${what}, is not stored there but ${JSON.stringify(entry)}`)
    }
  }
  return violations
}

function isThatMessage(
  entry: StoredEntry | undefined,
  message: {
    readonly messageId: string
    readonly authorId: string
    readonly clientMessageId: string
  },
): boolean {
  return (
    entry?.kind === 'posted' &&
    entry.id === message.messageId &&
    entry.authorId === message.authorId &&
    entry.clientMessageId === message.clientMessageId
  )
}

/**
 * One sender's messages in a channel are stored in the order in which it first sent them. A message
 * that was refused is placed by its later try, so nothing is promised about it.
 */
function checkOrder(facts: Facts, journal: Journal): string[] {
  const { name } = journal
  const refused = new Set(journal.all('refused').map(({ clientMessageId }) => clientMessageId))
  const places = new Map<string, number>()
  for (const { channelId, stored } of facts.channels.values()) {
    for (const { kind, seq, authorId, clientMessageId = '' } of stored) {
      if (kind === 'posted' && authorId === name) places.set(`${channelId} ${clientMessageId}`, seq)
    }
  }
  const violations: string[] = []
  const highest = new Map<string, number>()
  const checked = new Set<string>()
  for (const { channelId, clientMessageId } of journal.all('sent')) {
    const key = `${channelId} ${clientMessageId}`
    const seq = places.get(key)
    if (checked.has(key) || seq === undefined || refused.has(clientMessageId)) continue
    checked.add(key)
    const before = highest.get(channelId) ?? 0
    if (seq < before) {
      violations.push(`${channelId}: ${clientMessageId} of ${name} is ${seq}, behind ${before}`)
    }
    highest.set(channelId, Math.max(before, seq))
  }
  return violations
}
