import { describe, expect, it } from 'vitest'
import { shortened } from './support/journal.ts'
import type { Happening, SeenEntry } from './support/journal.ts'
import { judge } from './support/oracle.ts'
import { journalOf, listed } from './support/told.ts'
import type { ChannelTruth, StoredEntry } from './support/truth.ts'

const channelId = 'room'
const epoch = 'life-1'

/** Ann sends messages 1 to 4, and is in no channel; Bob and Carl come and go. */
const count = 4
const numbers = Array.from({ length: count }, (_, index) => index + 1)

const posting = (seq: number, authorId = 'ann'): StoredEntry => ({
  seq,
  id: `id-${seq}`,
  kind: 'posted',
  authorId,
  clientMessageId: `m-${seq}`,
  text: `#${seq}`,
})

function truthOf(stored: readonly StoredEntry[], isLive = true): ChannelTruth {
  return { channelId, epoch, isLive, stored, history: listed(stored) }
}

const sent = (number: number): Happening => ({
  what: 'sent',
  channelId,
  clientMessageId: `m-${number}`,
  text: `#${number}`,
})
const acked = (seq: number): Happening => ({
  what: 'acked',
  via: 'event',
  channelId,
  clientMessageId: `m-${seq}`,
  messageId: `id-${seq}`,
  seq,
})
const seen = (seq: number, senderId = 'ann'): SeenEntry => ({
  what: 'entry',
  channelId,
  seq,
  kind: 'posted',
  messageId: `id-${seq}`,
  senderId,
  text: `#${seq}`,
})
const own = (seq: number): SeenEntry => ({ ...seen(seq, 'bob'), clientMessageId: `m-${seq}` })
const joining = (since?: number): Happening => ({
  what: 'joining',
  channelId,
  ...(since !== undefined && { since }),
})
const joined = (seq: number, recovered?: boolean): Happening => ({
  what: 'joined',
  channelId,
  epoch,
  seq,
  ...(recovered !== undefined && { recovered }),
})
const leaving: Happening = { what: 'leaving', channelId }
const left: Happening = { what: 'left', channelId }
const disconnected: Happening = { what: 'disconnected', reason: 'test' }
const start = [joining(), joined(0), seen(1), seen(2)]

const annSends = journalOf(
  'ann',
  numbers.flatMap((number) => [sent(number), acked(number)]),
)

/** What is found when Bob sees this of four messages of Ann's. */
function seenByBob(...happenings: readonly Happening[]): string {
  const truth = truthOf(numbers.map((number) => posting(number)))
  return judge([annSends, journalOf('bob', happenings)], [truth]).violations.join('\n')
}

/** What is found when message 3 is Bob's own. */
function withOwnThird(...happenings: readonly Happening[]): string {
  const stored = numbers.map((number) => posting(number, number === 3 ? 'bob' : 'ann'))
  const others = numbers.filter((number) => number !== 3)
  const ann = journalOf(
    'ann',
    others.flatMap((number) => [sent(number), acked(number)]),
  )
  return judge([ann, journalOf('bob', happenings)], [truthOf(stored)]).violations.join('\n')
}

describe('the oracle, of clients that leave and come back', () => {
  it.each<[what: string, found: string]>([
    ['leaving for good', seenByBob(...start, leaving, left)],
    ['the end of what was under way', seenByBob(...start, leaving, seen(3), left)],
    [
      'coming back with since',
      seenByBob(...start, leaving, left, joining(2), seen(3), seen(4), joined(4, true)),
    ],
    [
      'coming back with since before the leave was answered',
      seenByBob(...start, leaving, joining(2), seen(3), left, seen(3), seen(4), joined(4, true)),
    ],
    ['coming back anew', seenByBob(...start, leaving, left, joining(), joined(3), seen(4))],
    [
      'joining again with since while there',
      seenByBob(...start, joining(2), seen(3), seen(3), seen(4), joined(4, true)),
    ],
    [
      'an own message with its ack while outside, and again in the replay',
      withOwnThird(
        ...start,
        leaving,
        left,
        sent(3),
        own(3),
        acked(3),
        joining(2),
        own(3),
        seen(4),
        joined(4, true),
      ),
    ],
    [
      'an own message sent on the way in, below the position',
      withOwnThird(joining(), sent(3), joined(3), own(3), acked(3), seen(4)),
    ],
  ])('finds nothing in %s', (_what, found) => {
    expect(found).toBe('')
  })

  it.each<[fault: string, found: string, all: string]>([
    [
      'an entry after the leave was answered',
      'saw 3 after it had left',
      seenByBob(...start, leaving, left, seen(3)),
    ],
    [
      'an entry after a leave and a new connection',
      'saw 3 after it had left',
      seenByBob(...start, leaving, disconnected, seen(3)),
    ],
    [
      'what comes while leaving in the wrong order',
      'saw 3 after 4, leaving',
      seenByBob(...start, leaving, seen(4), seen(3), left),
    ],
    [
      'an entry that was missing before the leave',
      'never saw 1 entries after 0: 1',
      seenByBob(joining(), joined(0), seen(2), leaving, left),
    ],
    [
      'an entry that the return does not replay',
      'never saw 1 entries after 0: 3',
      seenByBob(...start, leaving, left, joining(2), seen(4), joined(4, true)),
    ],
    [
      'an entry that the return doubles',
      'saw 3 after 3',
      seenByBob(...start, leaving, left, joining(2), seen(3), seen(3), seen(4), joined(4, true)),
    ],
    [
      'a second restart of one join',
      'saw 3 after 3',
      seenByBob(...start, joining(2), seen(3), seen(3), seen(3), seen(4), joined(4, true)),
    ],
    [
      'a restart that begins before its since',
      'saw 2 after 3',
      seenByBob(...start, joining(2), seen(3), seen(2), seen(3), seen(4), joined(4, true)),
    ],
    [
      'a return with since that is not said to be recovered',
      'was not told',
      seenByBob(...start, leaving, left, joining(2), joined(4)),
    ],
    [
      'an entry that a fresh start leaves out',
      'never saw 1 entries after 0: 4',
      seenByBob(...start, leaving, left, joining(), joined(3)),
    ],
    [
      'an own message that comes twice to a sender who was there',
      'saw 3 after 3',
      withOwnThird(...start, sent(3), own(3), acked(3), own(3), seen(4)),
    ],
  ])('finds %s', (_fault, found, all) => {
    expect(all).toContain(found)
  })
})

const erased = (seq: number): StoredEntry => ({ ...posting(seq), text: null })
const found = (house: readonly Happening[], stored: readonly StoredEntry[]): string => {
  const ann = journalOf('ann', [sent(1), acked(1), sent(2), acked(2)])
  const later = journalOf('ann', [...ann.records, sent(4)])
  return judge([later, journalOf('house', house)], [truthOf(stored)]).violations.join('\n')
}

describe('the oracle, of channels that are deleted and made again', () => {
  const asked: Happening = { what: 'asked', change: 'remove', requestId: 1, channelId }
  const answered: Happening = { what: 'answered', requestId: 1 }
  const removal = { seq: 3, id: 'r', kind: 'removed', text: null } as const

  it('finds nothing in numbers that go on behind the deletion', () => {
    expect(found([asked, answered], [erased(1), erased(2), removal, posting(4)])).toBe('')
  })

  it('finds a deletion that nobody asked for', () => {
    const all = found([], [erased(1), erased(2), removal, posting(4)])
    expect(all).toContain('removed 1 times, and nobody asked for it')
    expect(all).toContain('was erased, and nobody asked for it')
  })

  it('finds a message that survives the deletion, and numbers that begin anew', () => {
    expect(found([asked, answered], [posting(1), erased(2), removal, posting(4)])).toContain(
      '1 should be erased',
    )
    expect(
      found([asked, answered], [erased(1), erased(2), removal, { ...posting(4), seq: 1 }]),
    ).toContain('entry 1 is stored where 4 belongs')
  })

  it('finds a confirmed deletion that left no trace', () => {
    const ann = journalOf('ann', [sent(1), acked(1)])
    const house = journalOf('house', [asked, answered])
    expect(judge([ann, house], [truthOf([posting(1)])]).violations.join('\n')).toContain(
      'survived a confirmed remove that came after it',
    )
  })

  it('finds a message that was said to be gone and is there', () => {
    const edit = { what: 'asked', change: 'edit', requestId: 1, channelId } as const
    const ann = journalOf('ann', [sent(1), acked(1)])
    const desk = journalOf('desk', [
      { ...edit, messageId: 'id-1', text: 'anew' },
      { what: 'gone', requestId: 1 },
    ])
    expect(judge([ann, desk], [truthOf([posting(1)])]).violations.join('\n')).toContain(
      'was said to be gone',
    )
  })
})

describe('a journal', () => {
  it('keeps of a long text what tells it from every other', () => {
    const long = 'x'.repeat(10_000)
    expect(shortened(long).length).toBeLessThan(150)
    expect(shortened(long)).toBe(shortened('x'.repeat(10_000)))
    expect(shortened(long)).not.toBe(shortened(`${'x'.repeat(9_999)}y`))
    expect(shortened('short')).toBe('short')
  })
})
