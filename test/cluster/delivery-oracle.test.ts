import { describe, expect, it } from 'vitest'
import type { Change, Happening, SeenEntry } from './support/journal.ts'
import { judge } from './support/oracle.ts'
import { journalOf, listed } from './support/told.ts'
import type { ChannelTruth, StoredEntry } from './support/truth.ts'

const channelId = 'room'
const epoch = 'life-1'

function posting(seq: number, number: number, text: string | null = `#${number}`): StoredEntry {
  const clientMessageId = `m-${number}`
  return { seq, id: `id-${number}`, kind: 'posted', authorId: 'ann', clientMessageId, text }
}

function truthOf(stored: readonly StoredEntry[], history = listed(stored)): ChannelTruth {
  return { channelId, epoch, isLive: true, stored, history }
}

const sent = (number: number): Happening => ({
  what: 'sent',
  channelId,
  clientMessageId: `m-${number}`,
  text: `#${number}`,
})
const acked = (number: number, seq: number, messageId = `id-${number}`): Happening => ({
  what: 'acked',
  via: 'event',
  channelId,
  clientMessageId: `m-${number}`,
  messageId,
  seq,
})
const seen = (number: number, seq: number, text = `#${number}`): SeenEntry => ({
  what: 'entry',
  channelId,
  seq,
  kind: 'posted',
  messageId: `id-${number}`,
  senderId: 'ann',
  text,
})
const joined = (seq: number, recovered?: boolean): Happening => ({
  what: 'joined',
  channelId,
  epoch,
  seq,
  ...(recovered !== undefined && { recovered }),
})
const asked = (change: Change, rest: { messageId?: string; text?: string } = {}): Happening => ({
  what: 'asked',
  change,
  requestId: 1,
  channelId,
  ...rest,
})
const answered: Happening = { what: 'answered', requestId: 1 }

/** Ann sends and is acknowledged without being in the channel; Bob sees. */
function violations(
  ann: readonly Happening[],
  bob: readonly Happening[],
  truth: ChannelTruth,
): readonly string[] {
  return judge([journalOf('ann', ann), journalOf('bob', bob)], [truth]).violations
}

const two = [posting(1, 1), posting(2, 2)]
const sendsTwo = [sent(1), acked(1, 1), sent(2), acked(2, 2)]
const seesTwo = [joined(0), seen(1, 1), seen(2, 2)]

describe('the oracle', () => {
  it('finds nothing where everything is right, resumed or not', () => {
    expect(violations(sendsTwo, seesTwo, truthOf(two))).toEqual([])
    const resumed = [joined(0), seen(1, 1), seen(2, 2), joined(2, true)]
    expect(violations(sendsTwo, resumed, truthOf(two))).toEqual([])
    expect(violations(sendsTwo, [joined(1), seen(2, 2)], truthOf(two))).toEqual([])
  })

  it.each<[fault: string, found: string, found: readonly string[]]>([
    [
      'an acknowledged message that is not stored',
      'is not stored there',
      violations(sendsTwo, [joined(0), seen(1, 1)], truthOf([posting(1, 1)])),
    ],
    [
      'an acknowledgement with another id',
      'is not stored there',
      violations([sent(1), acked(1, 1, 'id-9'), sent(2)], seesTwo, truthOf(two)),
    ],
    [
      'two acknowledgements that differ',
      'had been acknowledged as',
      violations([...sendsTwo, acked(2, 1, 'id-1')], seesTwo, truthOf(two)),
    ],
    [
      'a message that is stored twice',
      'is stored twice',
      violations(sendsTwo, [...seesTwo, seen(2, 3)], truthOf([...two, posting(3, 2)])),
    ],
    [
      'a message that nobody sent',
      'nobody sent',
      violations([sent(1), acked(1, 1)], seesTwo, truthOf(two)),
    ],
    [
      'a hole in the numbers',
      'where 2 belongs',
      violations(
        [sent(1), sent(2)],
        [joined(0), seen(1, 1), seen(2, 3)],
        truthOf([posting(1, 1), posting(3, 2)]),
      ),
    ],
    [
      'a sender whose messages changed places',
      'behind',
      violations([sent(2), sent(1)], seesTwo, truthOf(two)),
    ],
    [
      'history that leaves a message out',
      'history lists nothing',
      violations(sendsTwo, seesTwo, truthOf(two, listed(two.slice(0, 1)))),
    ],
    [
      'history with another text',
      'history lists',
      violations(sendsTwo, seesTwo, truthOf(two, listed([posting(1, 1), posting(2, 2, 'forged')]))),
    ],
    [
      'a message that a subscriber never saw',
      'never saw 1 entries after 0: 1',
      violations(sendsTwo, [joined(0), seen(2, 2)], truthOf(two)),
    ],
    [
      'a message that was lost around a resume',
      'never saw 1 entries after 0: 2',
      violations(sendsTwo, [joined(0), seen(1, 1), joined(2, true)], truthOf(two)),
    ],
    [
      'a message that came twice',
      'saw 1 after 1',
      violations(sendsTwo, [joined(0), seen(1, 1), seen(1, 1), seen(2, 2)], truthOf(two)),
    ],
    [
      'a replay that repeats what was seen',
      'saw 2 after 2',
      violations(sendsTwo, [...seesTwo, seen(2, 2), joined(2, true)], truthOf(two)),
    ],
    [
      'messages in the wrong order',
      'saw 1 after 2',
      violations(sendsTwo, [joined(0), seen(2, 2), seen(1, 1)], truthOf(two)),
    ],
    [
      'a number below the position that the join named',
      'saw 1 after 1',
      violations(sendsTwo, [joined(1), seen(1, 1), seen(2, 2)], truthOf(two)),
    ],
    [
      'a resume that goes back',
      'resumed at 1, behind 2',
      violations(sendsTwo, [...seesTwo, joined(1, true), seen(2, 2)], truthOf(two)),
    ],
    [
      'a resume that does not say whether it recovered',
      'was not told',
      violations(sendsTwo, [...seesTwo, joined(2)], truthOf(two)),
    ],
    [
      'a resume that leaves a small gap to the client',
      'was not shown the 1 entries',
      violations(sendsTwo, [joined(0), seen(1, 1), joined(2, false)], truthOf(two)),
    ],
    [
      'a resume that answers a position behind what was seen',
      'saw 2 and was sent back to 1',
      violations(sendsTwo, [...seesTwo, joined(1, false), seen(2, 2)], truthOf(two)),
    ],
    [
      'a subscriber who saw what is not stored',
      'stored is undefined',
      violations(sendsTwo, [...seesTwo, seen(3, 3)], truthOf(two)),
    ],
    [
      'a subscriber who saw another text',
      'with the text "forged"',
      violations(sendsTwo, [joined(0), seen(1, 1), seen(2, 2, 'forged')], truthOf(two)),
    ],
    [
      'an acknowledgement before the sender’s own copy',
      'before it arrived',
      violations(
        [joined(0), sent(1), acked(1, 1), seen(1, 1), sent(2), seen(2, 2), acked(2, 2)],
        seesTwo,
        truthOf(two),
      ),
    ],
    [
      'a confirmed deletion without effect',
      'survived its confirmed deletion',
      violations(
        [...sendsTwo, asked('delete', { messageId: 'id-1' }), answered],
        seesTwo,
        truthOf(two),
      ),
    ],
    [
      'a confirmed clear without effect',
      'survived a confirmed clear',
      violations([...sendsTwo, asked('clear'), answered], seesTwo, truthOf(two)),
    ],
    [
      'a message that was erased without anybody asking',
      'nobody asked for it',
      violations(
        sendsTwo,
        [
          joined(0),
          seen(2, 2),
          { what: 'entry', channelId, seq: 3, kind: 'deleted', messageId: 'id-1' },
        ],
        truthOf([
          posting(1, 1, null),
          posting(2, 2),
          { seq: 3, id: 'd', kind: 'deleted', messageSeq: 1, text: null },
        ]),
      ),
    ],
    [
      'a message that is erased without an entry',
      'no entry says so',
      violations(
        [...sendsTwo, asked('delete', { messageId: 'id-1' }), answered],
        [joined(0), seen(2, 2)],
        truthOf([posting(1, 1, null), posting(2, 2)]),
      ),
    ],
    [
      'a confirmed edit without effect',
      'has the text "#1"',
      violations(
        [...sendsTwo, asked('edit', { messageId: 'id-1', text: 'anew' }), answered],
        seesTwo,
        truthOf(two),
      ),
    ],
    [
      'an older text after a newer one',
      'with the text "#1"',
      violations(
        [...sendsTwo, asked('edit', { messageId: 'id-1', text: 'anew' }), answered],
        [
          joined(0),
          seen(1, 1, 'anew'),
          seen(2, 2),
          { ...seen(1, 3, '#1'), kind: 'edited', messageSeq: 1 },
        ],
        truthOf([
          posting(1, 1, 'anew'),
          posting(2, 2),
          { seq: 3, id: 'e', kind: 'edited', messageSeq: 1, text: null },
        ]),
      ),
    ],
  ])('finds %s', (_fault, found, all) => {
    expect(all.join('\n')).toContain(found)
  })
})
