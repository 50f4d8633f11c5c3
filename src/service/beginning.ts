import type { EntryRange } from '../log/log.ts'
import type { Position } from '../protocol/model.ts'

/** The answer to a join: delivery goes on after `seq`. */
export interface Joined extends Position {
  /** Present where the joiner said since when: whether everything it missed was replayed. */
  readonly isRecovered?: boolean
}

/** Where the feed is and, where it matters, where the log is. */
export interface Heads {
  readonly head: Position
  readonly stored: number
}

/** How a join begins: its answer, the number above which it gets everything, and what of that is to be read. */
export interface Beginning {
  readonly joined: Joined
  readonly above: number
  readonly missed?: EntryRange
}

/** What is asked for, and the most entries that are replayed. */
interface Wanted {
  readonly channelId: string
  readonly since: Position | undefined
  readonly maxResumeEntries: number
}

/** Decides how a join begins where the feed is at `head`. */
export function beginningOf(wanted: Wanted, { head, stored }: Heads): Beginning {
  const { channelId, since, maxResumeEntries } = wanted
  if (since === undefined) return { joined: head, above: head.seq }
  if (since.epoch === head.epoch && since.seq > head.seq && since.seq <= stored) {
    // It has seen, elsewhere, what the feed has not brought here yet.
    return { joined: { ...since, isRecovered: true }, above: since.seq }
  }
  const isReplayable =
    since.epoch === head.epoch && since.seq <= head.seq && head.seq - since.seq <= maxResumeEntries
  if (!isReplayable) return { joined: { ...head, isRecovered: false }, above: head.seq }
  const joined = { ...head, isRecovered: true }
  if (since.seq === head.seq) return { joined, above: head.seq }
  const limit = head.seq - since.seq
  return {
    joined,
    above: since.seq,
    missed: { channelId, after: since.seq, upTo: head.seq, limit },
  }
}
