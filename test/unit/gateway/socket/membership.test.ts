import { describe, expect, it } from 'vitest'
import { Encoder } from '../../../../src/gateway/socket/encoder.ts'
import { Membership } from '../../../../src/gateway/socket/membership.ts'
import type { Outbox } from '../../../../src/gateway/socket/outbox.ts'
import type { OwnMessage } from '../../../../src/gateway/socket/own-message.ts'
import type { SharedPackets } from '../../../../src/gateway/socket/shared-packets.ts'
import type { Entry } from '../../../../src/protocol/model.ts'
import type { Caller } from '../../../../src/service/caller.ts'
import { StandingWatch } from '../../../../src/service/standing-watch.ts'
import { createDeferred } from '../../../../src/util/deferred.ts'

const B: Caller = { role: 'user', entityId: 'b', grants: undefined, expiresAtMs: undefined }
const PARTICIPANT = {
  type: 'GROUP',
  visibility: 'private',
  isParticipant: true,
  isOwner: false,
} as const

function posted(seq: number, id = `m${seq}`, authorId = 'a'): Entry {
  const body = { text: `text ${seq}`, source: 'test' }
  const times = { createdAt: 1, updatedAt: 1 }
  const message = { id, channelId: 'c', serverId: 's', seq, authorId, body, ...times }
  return { kind: 'posted', channelId: 'c', seq, at: 1, hasAgents: true, message }
}

const removal = (seq: number): Entry => ({
  kind: 'participants',
  channelId: 'c',
  seq,
  at: 1,
  channel: {
    id: 'c',
    serverId: 's',
    name: 'secret',
    type: 'GROUP',
    visibility: 'private',
    metadata: {},
    createdAt: 1,
    updatedAt: 1,
  },
  added: [],
  removed: ['b'],
})

/** What a client sees of packets: the events with their numbers. */
function eventsOf(packets: readonly string[]): string[] {
  return packets.map((packet) => {
    const [event, payload]: [string, { readonly seq?: number; readonly reason?: string }] =
      JSON.parse(packet.slice(1))
    return [event, payload.seq, payload.reason].filter((part) => part !== undefined).join(' ')
  })
}

/** B's membership, admitted with everything up to entry 0. */
function setUp({ isRestricted = true, encoder = new Encoder() } = {}) {
  const seen: string[] = []
  const expelled: Membership[] = []
  const own = new Map<string, OwnMessage>()
  const write = ({ packets }: SharedPackets): void => {
    seen.push(...eventsOf(packets))
  }
  let pace = Promise.resolve()
  const outbox = {
    send: write,
    sendChunk: (_chunk: object, packets: SharedPackets) => {
      write(packets)
    },
    endChunks: () => undefined,
    sendPaced: async (packets: SharedPackets) => {
      await pace
      write(packets)
    },
  }
  const membership = new Membership({
    channelId: 'c',
    holder: { id: 'socket', outbox: outbox as unknown as Outbox, own },
    entityId: 'b',
    encoder,
    isRestricted,
    onExpelled: (one) => {
      seen.push('expelled')
      expelled.push(one)
    },
  })
  const holdBack = (until: Promise<void>): void => {
    pace = until
  }
  const admitted = new StandingWatch(B, 'c', { standing: PARTICIPANT, upTo: 0 })
  if (isRestricted) membership.admit(admitted)
  return { membership, seen, expelled, own, holdBack }
}

const live = (...entries: readonly Entry[]) => ({ channelId: 'c', entries, isReplay: false })

describe('the membership of one who is removed', () => {
  it('shows everything before the removal, then says so, and nothing more, in one write', () => {
    const { membership, seen } = setUp()
    membership.onEntries(live(posted(1), posted(2)))
    membership.onEntries(live(posted(3), removal(4), posted(5)))
    expect(seen).toEqual([
      'messageBroadcast 1',
      'messageBroadcast 2',
      'expelled',
      'messageBroadcast 3',
      'channel_left 4 removed',
    ])
  })

  it('shows a deletion before it says so', () => {
    const { membership, seen } = setUp()
    const deletion: Entry = { kind: 'removed', channelId: 'c', seq: 2, at: 1 }
    membership.onEntries(live(posted(1), deletion, posted(3)))
    expect(seen).toEqual([
      'expelled',
      'messageBroadcast 1',
      'channelDeleted 2',
      'channel_left 2 removed',
    ])
  })

  it('acknowledges own messages that came before, and leaves later ones to their own answers', () => {
    const { membership, seen, own } = setUp()
    const acknowledged: string[] = []
    for (const id of ['before', 'after']) {
      own.set(id, { clientMessageId: id, acknowledge: () => acknowledged.push(id) })
    }
    membership.onEntries(live(posted(1, 'before', 'b'), removal(2), posted(3, 'after', 'b')))
    expect(seen).toEqual([
      'expelled',
      'messageBroadcast 1',
      'messageAck 1',
      'channel_left 2 removed',
    ])
    expect(acknowledged).toEqual(['before'])
    expect([...own.keys()]).toEqual(['after'])
  })

  it('ends at once also while it catches up, and says so behind what waits to be sent', async () => {
    const { membership, seen, holdBack } = setUp()
    const slow = createDeferred<void>()
    holdBack(slow.promise)
    const catchingUp = membership.catchUp(live(posted(1), removal(2), posted(3)))
    expect(seen).toEqual(['expelled'])
    slow.resolve()
    await catchingUp
    expect(seen).toEqual(['expelled', 'messageBroadcast 1', 'channel_left 2 removed'])
  })

  it('takes no notice of what is replayed: that was decided about when it was read', async () => {
    const { membership, expelled } = setUp()
    await membership.catchUp({ ...live(removal(1), posted(2)), isReplay: true })
    expect(expelled).toEqual([])
  })
})

describe('what agents do', () => {
  it('is shown as it comes, and a text so far at the pace of who takes it', async () => {
    const { membership, seen, holdBack } = setUp({ isRestricted: false })
    const chunk = { kind: 'chunk', channelId: 'c', messageId: 'm', agentId: 'a' } as const
    const slow = createDeferred<void>()
    holdBack(slow.promise)
    const text = membership.catchUpText({ ...chunk, index: 0, offset: 0, chunk: 'a' })
    expect(seen).toEqual([])
    slow.resolve()
    await text
    membership.onEphemeral({ ...chunk, index: 1, offset: 1, chunk: 'b' })
    const turn = { agentId: 'a', messageId: 'q', state: 'thinking' } as const
    membership.onEphemeral({ kind: 'turn', channelId: 'c', ...turn })
    expect(seen).toEqual(['messageStreamChunk', 'messageStreamChunk', 'agent_state'])
  })
})

describe('memberships of others', () => {
  it('of connections that are not restricted, go on', () => {
    const { membership, seen } = setUp({ isRestricted: false })
    membership.onEntries(live(posted(1), removal(2), posted(3)))
    expect(seen).toEqual(['messageBroadcast 1', 'channelUpdated 2', 'messageBroadcast 3'])
  })

  it('share one look for entries that may end a stay', () => {
    const encoder = new Encoder()
    let looks = 0
    const batch = {
      channelId: 'c',
      isReplay: false,
      get entries() {
        looks += 1
        return [posted(1)]
      },
    }
    expect([1, 2, 3].map(() => encoder.mayEndStay(batch))).toEqual([false, false, false])
    expect(looks).toBe(1)
  })

  it('are nobody’s until it is decided', () => {
    const { membership } = setUp({ isRestricted: false })
    expect(membership.isAdmitted).toBe(true)
    const undecided = new Membership({
      channelId: 'c',
      holder: { id: 'x', outbox: {} as unknown as Outbox, own: new Map() },
      entityId: 'b',
      encoder: new Encoder(),
      isRestricted: true,
      onExpelled: () => undefined,
    })
    expect(undecided.isAdmitted).toBe(false)
  })
})
