import { Attendance } from './attendance.ts'
import type { ChannelFacts, Facts } from './facts.ts'
import { messageKey } from './facts.ts'
import { lengthOf } from './journal.ts'
import type { Journal, Recorded, SeenEntry } from './journal.ts'
import type { StoredEntry } from './truth.ts'

/** Less than this is replayed for certain, whatever the messages have beside their text. */
const SURELY_REPLAYED_CHARS = 6_000_000

type Of<What extends Recorded['what']> = Recorded & { readonly what: What }
type InChannel = Extract<Recorded, { readonly channelId: string }>

/** What one client saw of each channel, followed from its first join to the end. */
export function checkDelivery(facts: Facts, journal: Journal): string[] {
  const watches = new Map<string, Watch>()
  for (const record of journal.records) {
    if (record.what === 'disconnected') {
      for (const watch of watches.values()) watch.disconnected(record)
    }
    if (!('channelId' in record)) continue
    const channel = facts.channels.get(record.channelId)
    if (channel === undefined) continue
    const watch = watches.get(record.channelId) ?? new Watch(facts, channel, journal.name)
    watches.set(record.channelId, watch)
    watch.note(record)
  }
  return [...watches.values()].flatMap((watch) => watch.finish())
}

/** A message whose content the log may have erased before this client could see it. */
function isErasedPosting(channel: ChannelFacts, entry: StoredEntry): boolean {
  if (entry.kind !== 'posted' && entry.kind !== 'edited') return false
  const posting = entry.kind === 'posted' ? entry : channel.bySeq.get(entry.messageSeq ?? 0)
  return posting?.text === null
}

/** Whether a client that was there, or resumes now, is shown this entry in any case. */
function mustBeSeen(channel: ChannelFacts, entry: StoredEntry): boolean {
  const isAboutChannel = entry.kind === 'updated' || entry.kind === 'participants'
  // Of a channel that was gone when it was replayed, nothing is told but that.
  if (isAboutChannel) return channel.isLive && entry.seq > channel.lastRemovedSeq
  return !isErasedPosting(channel, entry)
}

class Watch {
  readonly #facts: Facts
  readonly #channel: ChannelFacts
  readonly #name: string
  readonly #violations: string[] = []
  readonly #attendance = new Attendance()
  /** Numbers of the entries that arrived. */
  readonly #seen = new Set<number>()
  /** The version (0: as posted) of each message that was shown last. */
  readonly #versions = new Map<string, number>()
  #startSeq: number | undefined
  /** Everything up to here was shown, or need not be. */
  #positionSeq = 0
  /** The last entry that came after the client asked to leave: those need not come, but in their order. */
  #outsideSeq = 0
  /** What need not be seen, the client being told or wanting so: exclusive start, inclusive end. */
  readonly #skipped: { readonly after: number; readonly upTo: number }[] = []

  constructor(facts: Facts, channel: ChannelFacts, name: string) {
    this.#facts = facts
    this.#channel = channel
    this.#name = name
  }

  note(record: InChannel): void {
    switch (record.what) {
      case 'joined':
        this.#joined(record)
        break
      case 'entry':
        this.#entry(record)
        break
      case 'acked':
        this.#acked(record)
        break
      case 'sent':
        this.#attendance.sent(record)
        break
      case 'leaving':
        this.#outsideSeq = this.#positionSeq
        this.#attendance.note(record)
        break
      case 'joining':
      case 'left':
        this.#attendance.note(record)
        break
      case 'asked':
        // Of the channel's changes, which are judged by what is stored.
        break
    }
  }

  disconnected(record: Of<'disconnected'>): void {
    this.#attendance.note(record)
  }

  #joined(record: Of<'joined'>): void {
    const { seq, epoch, recovered } = record
    const { asked, isOutside } = this.#attendance
    this.#attendance.note(record)
    if (epoch !== this.#channel.epoch) this.#report(`joined in the epoch ${epoch}`)
    // Left again before the answer came: nobody goes by it.
    if (isOutside) return
    if (this.#startSeq === undefined) this.#startSeq = seq
    else if (asked !== undefined && asked.since === undefined) this.#skip(seq)
    else this.#resumed(seq, recovered)
    this.#positionSeq = seq
  }

  #resumed(seq: number, recovered: boolean | undefined): void {
    if (recovered === undefined) {
      this.#report(`was not told whether ${this.#positionSeq}…${seq} was recovered`)
    } else if (!recovered) {
      const gap = seq - this.#positionSeq
      // A client is never ahead of the log, only of the gateway that it reached.
      if (gap < 0) this.#report(`saw ${this.#positionSeq} and was sent back to ${seq}`)
      else if (gap <= this.#facts.maxResumeEntries && !this.#isLargeGap(seq)) {
        this.#report(`was not shown the ${gap} entries that it missed before ${seq}`)
      }
      this.#skip(seq)
    } else if (seq < this.#positionSeq) {
      this.#report(`resumed at ${seq}, behind ${this.#positionSeq}`)
    }
  }

  /** Whether what was missed may have been more than one read of the log gives. */
  #isLargeGap(upTo: number): boolean {
    let chars = 0
    for (let seq = this.#positionSeq + 1; seq <= upTo; seq += 1) {
      const { authorId = '', clientMessageId = '' } = this.#channel.bySeq.get(seq) ?? {}
      const key = messageKey(this.#channel.channelId, authorId, clientMessageId)
      chars += lengthOf(this.#facts.firstSent.get(key)?.text ?? '')
    }
    return chars > SURELY_REPLAYED_CHARS
  }

  #skip(upTo: number): void {
    this.#skipped.push({ after: this.#positionSeq, upTo })
  }

  #entry(seen: SeenEntry): void {
    const { seq } = seen
    // Who never joined sees only its own messages, and those in no channel's order.
    if (this.#startSeq !== undefined && !this.#attendance.isLoose(seen.clientMessageId)) {
      if (this.#attendance.isOutside) this.#passOutside(seq)
      else this.#advance(seq)
    }
    this.#seen.add(seq)
    const stored = this.#channel.bySeq.get(seq)
    const storedKind = stored?.kind === 'participants' ? 'updated' : stored?.kind
    if (stored === undefined || storedKind !== seen.kind) {
      this.#report(`saw ${JSON.stringify(seen)}, stored is ${JSON.stringify(stored)}`)
      return
    }
    this.#checkContent(seen, stored)
  }

  #advance(seq: number): void {
    const { restartsAfter } = this.#attendance
    if (seq <= this.#positionSeq) {
      const isRestart = restartsAfter !== undefined && seq > restartsAfter
      if (!isRestart) this.#report(`saw ${seq} after ${this.#positionSeq}`)
      this.#attendance.restartsAfter = undefined
    }
    this.#positionSeq = seq
  }

  /** Between asking to leave and the answer entries may come, in order; behind the answer none. */
  #passOutside(seq: number): void {
    if (this.#attendance.hasLeft) this.#report(`saw ${seq} after it had left`)
    else if (seq <= this.#outsideSeq) this.#report(`saw ${seq} after ${this.#outsideSeq}, leaving`)
    this.#outsideSeq = seq
  }

  /** The sender's own copy comes first; of a message that was erased meanwhile there is none. */
  #acked(record: Of<'acked'>): void {
    const { seq, via, clientMessageId } = record
    this.#attendance.acked(record)
    if (via === 'rest' || this.#startSeq === undefined || seq <= this.#startSeq) return
    if (this.#attendance.isLoose(clientMessageId)) return
    const stored = this.#channel.bySeq.get(seq)
    const isSkipped = this.#skipped.some(({ after, upTo }) => seq > after && seq <= upTo)
    if (stored === undefined || isSkipped || isErasedPosting(this.#channel, stored)) return
    if (!this.#seen.has(seq)) {
      this.#report(`${clientMessageId} was acknowledged (${via}) as ${seq} before it arrived`)
    }
  }

  finish(): string[] {
    const { stored } = this.#channel
    const start = this.#startSeq
    if (start === undefined) return this.#violations
    if (this.#attendance.isOutside) this.#skip(Number.POSITIVE_INFINITY)
    const missing = stored
      .filter(({ seq }) => seq > start && !this.#seen.has(seq))
      .filter(({ seq }) => !this.#skipped.some(({ after, upTo }) => seq > after && seq <= upTo))
      .filter((entry) => mustBeSeen(this.#channel, entry))
      .map(({ seq }) => seq)
    if (missing.length > 0) {
      const shown = missing.slice(0, 10).join(', ')
      this.#report(`never saw ${missing.length} entries after ${start}: ${shown}`)
    }
    return this.#violations
  }

  #checkContent(seen: SeenEntry, stored: StoredEntry): void {
    const { seq } = seen
    const isMessage = stored.kind === 'posted' || stored.kind === 'edited'
    const posting =
      stored.messageSeq === undefined ? stored : this.#channel.bySeq.get(stored.messageSeq)
    if ((isMessage || stored.kind === 'deleted') && seen.messageId !== posting?.id) {
      this.#report(`saw ${seq} about ${seen.messageId}, it is about ${posting?.id}`)
    }
    if (!isMessage || posting === undefined) return
    this.#checkSender(seen, posting)
    this.#checkText(seen, stored, posting)
  }

  /** Only the sender learns its own id of a message. */
  #checkSender({ seq, senderId, clientMessageId }: SeenEntry, posting: StoredEntry): void {
    if (senderId !== posting.authorId) {
      this.#report(`saw ${seq} from ${senderId}, it is from ${posting.authorId}`)
    }
    const isOwn = posting.authorId === this.#name
    if (clientMessageId !== undefined && (!isOwn || clientMessageId !== posting.clientMessageId)) {
      this.#report(`saw ${seq} with the clientMessageId ${clientMessageId}`)
    }
  }

  /** A text that the message had; never an older one than was shown before; in the end the last one. */
  #checkText(seen: SeenEntry, stored: StoredEntry, posting: StoredEntry): void {
    const { authorId = '', clientMessageId = '', seq: postingSeq } = posting
    const { channelId, editsOf } = this.#channel
    const sent = this.#facts.firstSent.get(messageKey(channelId, authorId, clientMessageId))
    const texts = [sent?.text, ...this.#facts.textsOf(posting.id)]
    const version = texts.lastIndexOf(seen.text)
    const last = editsOf.get(postingSeq)?.at(-1) ?? posting
    const isFinal = last.seq === stored.seq && posting.text !== null
    const isBackwards = version < (this.#versions.get(posting.id) ?? 0)
    if (version === -1 || isBackwards || (isFinal && seen.text !== posting.text)) {
      const text = JSON.stringify(seen.text)
      this.#report(
        `saw ${seen.seq} with the text ${text}; stored is ${JSON.stringify(posting.text)}`,
      )
    }
    this.#versions.set(posting.id, version)
  }

  #report(what: string): void {
    this.#violations.push(`${this.#channel.channelId}: ${this.#name} ${what}`)
  }
}
