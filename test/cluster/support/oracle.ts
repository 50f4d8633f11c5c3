import { checkChanges } from './check-changes.ts'
import { checkDelivery } from './check-delivery.ts'
import { checkHistory } from './check-history.ts'
import type { Journal } from './journal.ts'
import { createFacts } from './facts.ts'
import { readTruth } from './truth.ts'
import type { ChannelTruth } from './truth.ts'

/** How much there was to judge: a run in which nothing happened proves nothing. */
interface Evidence {
  readonly sent: number
  readonly acknowledged: number
  /** Sends of a message that had been sent before. */
  readonly repeated: number
  readonly entriesSeen: number
  readonly disconnects: number
  /** Joins with `since` whose gap was replayed. */
  readonly recovered: number
  /** Joins with `since` that were told to fetch history instead. */
  readonly unrecovered: number
  readonly refused: number
  /** Times that somebody left a channel, for a while or for good. */
  readonly left: number
  /** Edits, deletions, clears and removals that were confirmed. */
  readonly changes: number
}

export interface Verdict {
  /** Every broken promise, in words; bounded. */
  readonly violations: readonly string[]
  readonly evidence: Evidence
}

/** Most violations that are reported: after the first few the rest says nothing new. */
const MAX_VIOLATIONS = 25
/** `PARLEY_MAX_RESUME_ENTRIES` where a test sets nothing else. */
const DEFAULT_MAX_RESUME_ENTRIES = 1_000

/** Where a server is and where its data lies. */
export interface Place {
  readonly url: string
  readonly dataDir: string
  /** What the server was started with, where that is not the default. */
  readonly maxResumeEntries?: number
}

/**
 * Holds what the clients saw against what is stored.
 *
 * - Acknowledged means stored: once, under the acknowledged id and number.
 * - What was not acknowledged is stored at most once; nothing is stored that nobody sent.
 * - The entries of a channel are 1, 2, 3, … without a hole; history shows exactly what survives.
 * - One sender's messages have the order in which it first sent them.
 * - Who joined with `since` on every connection saw everything that survives, once, ascending, and
 *   nothing else; with the contents that history has.
 * - A gap within the limit is replayed, never left to the client.
 * - A sender's own copy comes before its acknowledgement.
 * - Who left sees nothing more; who came back with `since` missed nothing of the time between.
 * - Confirmed edits, deletions, clears and removals are in effect, and nobody erased what nobody asked to erase.
 */
export function judge(
  journals: readonly Journal[],
  truths: readonly ChannelTruth[],
  maxResumeEntries = DEFAULT_MAX_RESUME_ENTRIES,
): Verdict {
  const facts = createFacts(journals, truths, maxResumeEntries)
  const violations = [
    ...checkHistory(facts),
    ...checkChanges(facts),
    ...journals.flatMap((journal) => checkDelivery(facts, journal)),
  ]
  const more = violations.length - MAX_VIOLATIONS
  return {
    violations: [...violations.slice(0, MAX_VIOLATIONS), ...(more > 0 ? [`and ${more} more`] : [])],
    evidence: gather(journals),
  }
}

/** Reads what is stored and judges; everything must have come to rest. */
export async function judgeServer(
  server: Place,
  journals: readonly Journal[],
  channels: Iterable<string>,
): Promise<Verdict> {
  return judge(journals, await readTruth(server, channels), server.maxResumeEntries)
}

function distinct(journal: Journal, what: 'sent' | 'acked'): number {
  return new Set(
    journal.all(what).map(({ channelId, clientMessageId }) => `${channelId} ${clientMessageId}`),
  ).size
}

function gather(journals: readonly Journal[]): Evidence {
  const sum = (count: (journal: Journal) => number): number =>
    journals.reduce((total, journal) => total + count(journal), 0)
  const joins = journals.flatMap((journal) => journal.all('joined'))
  return {
    sent: sum((journal) => distinct(journal, 'sent')),
    acknowledged: sum((journal) => distinct(journal, 'acked')),
    repeated: sum((journal) => journal.count('sent') - distinct(journal, 'sent')),
    entriesSeen: sum((journal) => journal.count('entry')),
    disconnects: sum((journal) => journal.count('disconnected')),
    recovered: joins.filter(({ recovered }) => recovered === true).length,
    unrecovered: joins.filter(({ recovered }) => recovered === false).length,
    refused: sum((journal) => journal.count('refused')),
    left: sum((journal) => journal.count('leaving')),
    changes: sum((journal) => journal.count('answered')),
  }
}
