import { Journal } from './journal.ts'
import type { Happening } from './journal.ts'
import type { ListedMessage, StoredEntry } from './truth.ts'

/** What a client would have written down, for tests that tell the oracle a story. */
export function journalOf(name: string, happenings: readonly Happening[]): Journal {
  const journal = new Journal(name)
  for (const happening of happenings) journal.record(happening)
  return journal
}

/** The history that the stored entries of one channel make. */
export function listed(stored: readonly StoredEntry[]): ListedMessage[] {
  return stored.flatMap(({ id, seq, authorId = '', kind, text }) =>
    kind === 'posted' && text !== null ? [{ id, seq, authorId, content: text }] : [],
  )
}
