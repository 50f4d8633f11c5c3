import { describe, expect, it } from 'vitest'
import type { Standing } from '../../../src/log/log.ts'
import { ChannelError } from '../../../src/protocol/errors.ts'
import type { ChannelType, Message } from '../../../src/protocol/model.ts'
import {
  Access,
  decide,
  guardOf,
  mayCreateBySending,
  mayLeave,
  ownerOf,
  participantsGuardOf,
  requireAdmin,
  requireFitting,
  requireParty,
  speakerOf,
  viewerOf,
} from '../../../src/service/access.ts'
import type { ChannelAction } from '../../../src/service/access.ts'
import { anyone, service } from '../../../src/service/caller.ts'
import type { Caller, Capability } from '../../../src/service/caller.ts'
import { listedFor } from '../../../src/service/grants.ts'

const ACTIONS: readonly ChannelAction[] = ['join', 'read', 'send', 'manage']

function holder(role: Caller['role'], allow?: readonly Capability[]): Caller {
  const grants = allow && [{ pattern: 'room-*', allow }]
  return { role, entityId: 'ann', grants, expiresAtMs: undefined }
}

const standing = (words: string): Standing | undefined =>
  words === 'absent'
    ? undefined
    : {
        type: words.includes('DM') ? 'DM' : 'GROUP',
        visibility: words.includes('public') ? 'public' : 'private',
        isParticipant: words.includes('in'),
        isOwner: words.includes('owner'),
      }

/** What is decided about join, read, send and manage, by its first letter. */
function decided(caller: Caller, words: string, channelId = 'room-1'): string {
  return ACTIONS.map((action) => decide(caller, action, { channelId, standing: standing(words) }))
    .map(([letter]) => letter)
    .join('')
}

const EVERYTHING = 'aaaa'
const USUAL = 'aaad'
const HIDDEN = 'hhhh'

/** For users and agents: by the token's own list, and where they stand. */
const TABLE: readonly (readonly [allow: readonly Capability[] | undefined, string, string])[] = [
  [undefined, 'absent', HIDDEN],
  [undefined, 'private', HIDDEN],
  [undefined, 'private owner', HIDDEN],
  [undefined, 'private DM', HIDDEN],
  [undefined, 'private in', USUAL],
  [undefined, 'private in owner', EVERYTHING],
  [undefined, 'private DM in', EVERYTHING],
  [undefined, 'public', USUAL],
  [undefined, 'public in', USUAL],
  [undefined, 'public owner', EVERYTHING],
  [[], 'absent', HIDDEN],
  [[], 'private', HIDDEN],
  [[], 'private in owner', 'dddd'],
  [[], 'public', 'dddd'],
  [['read'], 'private', HIDDEN],
  [['read'], 'private in owner', 'dadd'],
  [['join', 'send'], 'public', 'adad'],
  [['join', 'read', 'send'], 'private in', USUAL],
  [['admin'], 'absent', HIDDEN],
  [['admin'], 'private', EVERYTHING],
  [['admin'], 'public', EVERYTHING],
]

describe('a channel', () => {
  it.each(TABLE)('with the grants %j, standing %j: %s', (allow, words, expected) => {
    expect(decided(holder('user', allow), words)).toBe(expected)
    expect(decided(holder('agent', allow), words)).toBe(expected)
  })

  it.each(['absent', 'private', 'private in', 'public owner'])(
    'is open to whom nothing is hidden from, %s or not',
    (words) => {
      for (const caller of [anyone(), service(), service('ann'), holder('admin')]) {
        expect(decided(caller, words)).toBe(EVERYTHING)
      }
    },
  )

  it('is not in a grant for others', () => {
    expect(decided(holder('user', ['admin']), 'private', 'lobby')).toBe(HIDDEN)
    expect(decided(holder('user', ['admin']), 'public', 'lobby')).toBe('dddd')
    expect(decided(holder('admin', ['read']), 'private')).toBe('dadd')
    expect(decided(holder('admin', ['read']), 'private', 'lobby')).toBe('dddd')
  })
})

describe('commands', () => {
  it('of users and agents require that the channel is still theirs to see', () => {
    expect(guardOf(holder('user'), 'room-1')).toEqual({ visibleTo: 'ann' })
    expect(guardOf(holder('agent'))).toEqual({ visibleTo: 'ann' })
    expect(guardOf(holder('user', ['send']), 'room-1')).toEqual({ visibleTo: 'ann' })
    expect(guardOf({ ...holder('user'), entityId: undefined })).toEqual({ visibleTo: '' })
  })

  it('of others, and of who manages by grant, require nothing', () => {
    expect(guardOf(holder('user', ['admin']), 'room-1')).toEqual({})
    expect(guardOf(holder('user', ['admin']), 'lobby')).toEqual({ visibleTo: 'ann' })
    for (const caller of [anyone('ann'), service('ann'), holder('admin')]) {
      expect(guardOf(caller, 'room-1')).toEqual({})
      expect(viewerOf(caller)).toBeUndefined()
      expect(participantsGuardOf(caller, 'room-1')).toEqual({})
    }
    const byGrant = participantsGuardOf(holder('user', ['admin']), 'room-1')
    expect(byGrant).toEqual({ asParty: 'ann' })
    const asUsual = participantsGuardOf(holder('agent'), 'room-1')
    expect(asUsual).toEqual({ asParty: 'ann', visibleTo: 'ann' })
    expect(viewerOf(holder('user', ['admin']))).toBe('ann')
  })
})

function code(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    return error instanceof ChannelError ? error.code : String(error)
  }
}

const listing = (role: Caller['role'], pattern: string, allow: readonly Capability[]) => ({
  ...holder(role),
  grants: [{ pattern, allow }],
})

/** What is beyond single channels: making them, DMs, administration. */
const acts = (caller: Caller): readonly unknown[] => [
  code(() => ownerOf(caller, undefined)),
  code(() => {
    requireParty(caller, ['ann', 'bob'])
  }),
  code(() => {
    requireAdmin(caller)
  }),
  mayCreateBySending(caller),
]

describe('a user', () => {
  it('speaks as itself; everyone else as whom they name', () => {
    expect(speakerOf(holder('user'), undefined)).toBe('ann')
    expect(speakerOf(holder('user'), 'ann')).toBe('ann')
    expect(code(() => speakerOf(holder('user'), 'bob'))).toBe('ACCESS_DENIED')
    for (const caller of [anyone('ann'), service('ann'), holder('admin'), holder('agent')]) {
      expect(speakerOf(caller, 'bob')).toBe('bob')
      expect(speakerOf(caller, undefined)).toBe('ann')
    }
  })

  it('owns what it makes, and does not choose its id', () => {
    expect(ownerOf(holder('user'), undefined)).toBe('ann')
    expect(code(() => ownerOf(holder('agent'), 'room-1'))).toBe('ACCESS_DENIED')
    expect(ownerOf(holder('admin'), 'room-1')).toBeUndefined()
    expect(ownerOf(service('ann'), 'room-1')).toBeUndefined()
  })

  it('is with a token that lists channels held to these: it makes none and administers nothing', () => {
    const no = 'ACCESS_DENIED'
    for (const role of ['user', 'agent', 'admin'] as const) {
      for (const grants of [[], listing(role, 'room-*', ['admin']).grants]) {
        expect(acts({ ...holder(role), grants })).toEqual([no, no, no, false])
      }
      expect(acts(listing(role, '*', ['join', 'read', 'send']))).toEqual([no, no, no, false])
    }
    const none = undefined
    for (const caller of [holder('user'), listing('agent', '*', ['admin'])]) {
      expect(acts(caller)).toEqual([none, none, no, false])
    }
    for (const caller of [
      holder('admin'),
      listing('admin', '**', ['admin']),
      service(),
      anyone(),
    ]) {
      expect(acts(caller)).toEqual([none, none, none, true])
    }
  })

  it('with such a token sees of a list what it may read or join, and leaves what is in its list', () => {
    const grants = (['join', 'read', 'send', 'admin'] as const).map((allow) => ({
      pattern: `${allow}-*`,
      allow: [allow],
    }))
    const ids = ['join-1', 'read-1', 'send-1', 'admin-1', 'other']
    const channels = ids.map((id) => ({ id }))
    const shown = (caller: Caller) => listedFor(caller, channels).map(({ id }) => id)
    for (const role of ['user', 'agent', 'admin'] as const) {
      const caller = { ...holder(role), grants }
      expect(shown(caller)).toEqual(['join-1', 'read-1', 'admin-1'])
      expect(ids.filter((id) => mayLeave(caller, id, 'ann'))).toEqual(ids.slice(0, 4))
      expect(ids.filter((id) => mayLeave(caller, id, 'bob'))).toEqual([])
      expect(shown(holder(role))).toEqual(ids)
      expect(shown(holder(role, []))).toEqual([])
    }
    expect(mayLeave(holder('user'), 'other', 'ann')).toBe(true)
  })

  it('opens no conversation of others', () => {
    expect(code(() => requireParty(holder('user'), ['bob', 'eve']))).toBe('ACCESS_DENIED')
    expect(code(() => requireParty(holder('user'), ['bob', 'ann']))).toBeUndefined()
    expect(code(() => requireParty(holder('admin'), ['bob', 'eve']))).toBeUndefined()
  })

  it.each<readonly [ChannelType, number]>([
    ['SELF', 1],
    ['DM', 2],
    ['VOICE_DM', 2],
  ])('makes no %s of more than %i', (type, most) => {
    const names = Array.from({ length: most }, (_, index) => `user-${index}`)
    const fits = (participants: readonly string[], caller = holder('user')) =>
      code(() => {
        requireFitting(caller, type, participants)
      })
    expect(fits([...names, ...names])).toBeUndefined()
    expect(fits([...names, 'third'])).toBe('ACCESS_DENIED')
    expect(fits([...names, 'third'], service())).toBeUndefined()
  })
})

describe('a message', () => {
  const message: Message = {
    id: 'm',
    channelId: 'room-1',
    serverId: 's',
    seq: 1,
    authorId: 'ann',
    body: { text: 'hi', source: 'test' },
    createdAt: 0,
    updatedAt: 0,
  }
  const accessWith = (words: string, found: Message | undefined = message) =>
    new Access({
      standing: async () => standing(words),
      message: async () => found,
      head: async () => 0,
    })

  it.each([
    ['read', 'ann', 'private in', undefined],
    ['read', 'bob', 'private', 'MESSAGE_NOT_FOUND'],
    ['read', 'bob', 'public', undefined],
    ['edit', 'ann', 'private in', undefined],
    ['edit', 'ann', 'private', 'MESSAGE_NOT_FOUND'],
    ['edit', 'bob', 'private in owner', 'ACCESS_DENIED'],
    ['delete', 'ann', 'public', undefined],
    ['delete', 'bob', 'public in', 'ACCESS_DENIED'],
    ['delete', 'bob', 'public in owner', undefined],
    ['delete', 'bob', 'private DM in', undefined],
    ['delete', 'bob', 'private owner', 'MESSAGE_NOT_FOUND'],
  ] as const)('%s by %s, where it is %s: %s', async (...[action, entityId, words, expected]) => {
    const caller = { ...holder('user'), entityId }
    const refused = accessWith(words).checkMessage(caller, action, { messageId: 'm' })
    if (expected === undefined) expect(await refused).toBe(message)
    else await expect(refused).rejects.toMatchObject({ code: expected })
  })

  it('is written by whose token allows to send, and managed by whose token allows that', async () => {
    const access = accessWith('public in')
    const act = async (caller: Caller, action: 'read' | 'edit' | 'delete') =>
      access.checkMessage(caller, action, { messageId: 'm' }).then(
        () => 'allowed',
        (error: unknown) => (error instanceof ChannelError ? error.code : error),
      )
    const reader = holder('user', ['read'])
    expect(await act(reader, 'read')).toBe('allowed')
    expect(await act(reader, 'edit')).toBe('ACCESS_DENIED')
    expect(await act(reader, 'delete')).toBe('ACCESS_DENIED')
    expect(await act(holder('user', ['send']), 'edit')).toBe('allowed')
    const bob = { entityId: 'bob' }
    expect(await act({ ...holder('user', ['admin']), ...bob }, 'delete')).toBe('allowed')
    expect(await act({ ...holder('user', ['admin']), ...bob }, 'edit')).toBe('ACCESS_DENIED')
    expect(await act({ ...holder('admin', ['read']), ...bob }, 'edit')).toBe('ACCESS_DENIED')
    expect(await act({ ...holder('admin', ['admin']), ...bob }, 'edit')).toBe('allowed')
    expect(await act({ ...holder('admin'), ...bob }, 'edit')).toBe('allowed')
  })

  it('of another channel is not there, which each route says to services in its own way', async () => {
    const named = { messageId: 'm', channelId: 'room-2' }
    const access = accessWith('public in owner')
    await expect(access.checkMessage(holder('user'), 'read', named)).rejects.toMatchObject({
      code: 'MESSAGE_NOT_FOUND',
    })
    expect(await access.checkMessage(service(), 'edit', named)).toBeUndefined()
  })
})

/** A log whose head is another one each time, up to the last, and in which ann comes and goes with it. */
function accessTo(heads: number[], wordsAt: (head: number) => string): Access {
  const now = (): number => heads[0] ?? 0
  return new Access({
    standing: async () => standing(wordsAt(now())),
    message: async () => undefined,
    head: async () => {
      const head = now()
      if (heads.length > 1) heads.shift()
      return head
    },
  })
}

describe('being let in', () => {
  const ann = holder('user')

  it('says at which entry one stands where', async () => {
    const access = accessTo([4, 5, 6, 7], (head) => (head === 7 ? 'private in' : 'private'))
    expect(await access.admit(ann, 'room-1')).toMatchObject({ upTo: 7 })
    const gone = accessTo([4, 5, 6], (head) => (head === 6 ? 'private' : 'private in'))
    await expect(gone.admit(ann, 'room-1')).rejects.toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
  })

  it('is refused where the channel changes faster than one can look', async () => {
    const heads = Array.from({ length: 100 }, (_, index) => index)
    const access = accessTo(heads, () => 'private in')
    await expect(access.admit(ann, 'room-1')).rejects.toMatchObject({ code: 'OVERLOADED' })
  })
})
