import { describe, expect, it } from 'vitest'
import type { Standing } from '../../../src/log/log.ts'
import type { Channel, Entry, Visibility } from '../../../src/protocol/model.ts'
import type { Caller } from '../../../src/service/caller.ts'
import { mayEndStay, StandingWatch } from '../../../src/service/standing-watch.ts'

const B: Caller = { role: 'user', entityId: 'b', grants: undefined, expiresAtMs: undefined }
const MANAGER: Caller = { ...B, grants: [{ pattern: 'c', allow: ['admin'] }] }
const UP_TO = 10

const PARTICIPANT: Standing = {
  type: 'GROUP',
  visibility: 'private',
  isParticipant: true,
  isOwner: false,
}
const GUEST: Standing = { ...PARTICIPANT, visibility: 'public', isParticipant: false }

function channel(visibility: Visibility): Channel {
  const times = { createdAt: 1, updatedAt: 1 }
  return { id: 'c', serverId: 's', name: 'n', type: 'GROUP', visibility, metadata: {}, ...times }
}

interface Change {
  readonly shows?: Visibility | 'gone'
  readonly added?: readonly string[]
  readonly removed?: readonly string[]
}

function change(seq: number, { shows = 'private', added = [], removed = [] }: Change): Entry {
  return {
    kind: 'participants',
    channelId: 'c',
    seq,
    at: 1,
    channel: shows === 'gone' ? null : channel(shows),
    added: added.map((entityId) => ({ entityId, isAgent: false })),
    removed,
  }
}

const deletion = (seq: number): Entry => ({ kind: 'removed', channelId: 'c', seq, at: 1 })

/** The numbers of the entries that say that the stay is over. */
function endings(standing: Standing, entries: readonly Entry[], caller = B): number[] {
  const watch = new StandingWatch(caller, 'c', { standing, upTo: UP_TO })
  return entries.filter((entry) => watch.isEndedBy(entry)).map(({ seq }) => seq)
}

describe('a stay in a private channel', () => {
  it('ends with the removal of the participant, and not with anybody else’s', () => {
    const entries = [change(11, { removed: ['a'] }), change(12, { removed: ['a', 'b'] })]
    expect(endings(PARTICIPANT, entries)).toEqual([12])
  })

  it('does not end with an entry that was counted in when it began', () => {
    const entries = [change(9, { removed: ['b'] }), change(UP_TO, { removed: ['b'] })]
    expect(endings(PARTICIPANT, [...entries, deletion(UP_TO)])).toEqual([])
  })

  it('ends with the deletion', () => {
    expect(endings(PARTICIPANT, [deletion(11)])).toEqual([11])
  })

  it('ends with the removal where the entry shows nothing, the channel being deleted by now', () => {
    expect(endings(PARTICIPANT, [change(11, { shows: 'gone', removed: ['b'] })])).toEqual([11])
  })

  it('goes on when the channel becomes public, also without taking part', () => {
    const entries = [
      change(11, { shows: 'public' }),
      change(12, { shows: 'public', removed: ['b'] }),
    ]
    expect(endings(PARTICIPANT, entries)).toEqual([])
  })

  it('ends with no removal for a manager by token, but with the deletion', () => {
    const entries = [change(11, { removed: ['b'] }), deletion(12)]
    expect(endings(PARTICIPANT, entries, MANAGER)).toEqual([12])
  })
})

describe('a stay in a public channel', () => {
  it('ends when the channel becomes private', () => {
    expect(endings(GUEST, [change(11, { shows: 'public' }), change(12, {})])).toEqual([12])
  })

  it('goes on when the channel becomes private and one takes part by then', () => {
    const entries = [
      change(11, { shows: 'public', added: ['b'] }),
      change(12, {}),
      change(13, { removed: ['b'] }),
    ]
    expect(endings(GUEST, entries)).toEqual([13])
  })

  it('goes on when one is added and the channel closed in one', () => {
    expect(endings(GUEST, [change(11, { added: ['b'] })])).toEqual([])
  })
})

it('only changes of the channel and of who takes part may end a stay', () => {
  const at = { channelId: 'c', seq: 11, at: 1 }
  const harmless: readonly Entry[] = [
    { ...at, kind: 'posted', message: null, hasAgents: false },
    { ...at, kind: 'edited', message: null },
    { ...at, kind: 'deleted', messageId: 'm', messageSeq: 1 },
    { ...at, kind: 'cleared' },
  ]
  expect(harmless.filter(mayEndStay)).toEqual([])
  expect(endings(PARTICIPANT, harmless)).toEqual([])
})
