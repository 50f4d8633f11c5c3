import { describe, expect, it } from 'vitest'
import { send } from '../../../../src/gateway/socket/commands/send.ts'
import type { Connection } from '../../../../src/gateway/socket/connection.ts'
import type { Edge } from '../../../../src/gateway/socket/edge.ts'
import type { OwnMessage } from '../../../../src/gateway/socket/own-message.ts'
import type { SharedPackets } from '../../../../src/gateway/socket/shared-packets.ts'
import type { PostInput } from '../../../../src/service/messages.ts'
import { ChannelError } from '../../../../src/protocol/errors.ts'
import type { Caller } from '../../../../src/service/caller.ts'
import { anyone } from '../../../../src/service/caller.ts'
import { createDeferred } from '../../../../src/util/deferred.ts'

const SEQ = 7

interface Scene {
  /** Entries above this number come through the sender's membership; absent: it is in no such channel. */
  readonly deliversAfter?: number
  readonly willDeliver: boolean
  /** The id of the first message, where this repeats one. */
  readonly repeats?: string
  /** When what the feed has brought is delivered. */
  readonly delivered?: Promise<void>
}

/** Sends one message whose append was answered, and tells which events its sender got. */
async function eventsOf(scene: Scene, packets: string[] = []): Promise<string[]> {
  const { deliversAfter, willDeliver, repeats, delivered = Promise.resolve() } = scene
  const membership = { entityId: 'e', deliversAfter }
  const connection = {
    caller: anyone('e'),
    entityId: 'e',
    own: new Map<string, OwnMessage>(),
    joiningAs: new Map<string, string>(),
    memberships: new Map(deliversAfter === undefined ? [] : [['c', membership]]),
    isMoving: () => false,
    outbox: { send: (shared: SharedPackets) => packets.push(...shared.packets) },
  }
  const post = ({ id, channelId, authorId, text, source }: PostInput) =>
    Promise.resolve({
      seq: SEQ,
      isDuplicate: repeats !== undefined,
      message: {
        id: repeats ?? id,
        channelId,
        serverId: 's',
        seq: SEQ,
        authorId,
        body: { text, source },
        createdAt: 1,
        updatedAt: 1,
      },
    })
  const live = { willDeliver: () => willDeliver, delivered: () => delivered }
  const edge = { services: { messages: { post } }, live }
  await send(edge as unknown as Edge, {
    connection: connection as unknown as Connection,
    payload: { channelId: 'c', message: 'text', messageId: 'm' },
    acknowledge: () => packets.push('2["acknowledged"'),
  })
  return packets.map((packet) => /^2\["(\w+)"/.exec(packet)?.[1] ?? packet)
}

describe('a send', () => {
  it('is answered by the channel’s delivery where that is still to come', async () => {
    expect(await eventsOf({ deliversAfter: 3, willDeliver: true })).toEqual([])
  })

  it('is answered at once to a sender who is not in the channel', async () => {
    expect(await eventsOf({ willDeliver: false })).toEqual([
      'messageBroadcast',
      'messageAck',
      'messageComplete',
      'acknowledged',
    ])
  })

  it('is answered at once to a sender who joined behind it', async () => {
    const events = await eventsOf({ deliversAfter: SEQ, willDeliver: false })
    expect(events).toEqual(['messageBroadcast', 'messageAck', 'messageComplete', 'acknowledged'])
  })

  it('is only acknowledged when it was erased before it could be delivered', async () => {
    const events = await eventsOf({ deliversAfter: SEQ - 1, willDeliver: false })
    expect(events).toEqual(['messageAck', 'acknowledged'])
  })

  it('is only acknowledged when it repeats an earlier one', async () => {
    const events = await eventsOf({ willDeliver: false, repeats: 'first' })
    expect(events).toEqual(['messageAck', 'acknowledged'])
  })

  it('that repeats is answered behind what is just being delivered', async () => {
    const packets: string[] = []
    const delivery = createDeferred<void>()
    const delivered = delivery.promise
    const scene = { deliversAfter: 3, willDeliver: false, repeats: 'first', delivered }
    const sending = eventsOf(scene, packets)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    expect(packets).toEqual([])
    delivery.resolve()
    expect(await sending).toEqual(['messageAck', 'acknowledged'])
  })
})

/** Sends as somebody; `answer` is the log's. */
function sendAs(caller: Caller, answer: (input: PostInput) => Promise<never>, payload = {}) {
  const own = new Map<string, OwnMessage>()
  const inputs: PostInput[] = []
  const post = (input: PostInput): Promise<never> => {
    inputs.push(input)
    return answer(input)
  }
  const request = {
    connection: {
      caller,
      own,
      joiningAs: new Map(),
      memberships: new Map(),
    } as unknown as Connection,
    payload: { channelId: 'c', message: 'text', messageId: 'm', ...payload },
    acknowledge: () => undefined,
  }
  const edge = { services: { messages: { post } } } as unknown as Edge
  return { sending: send(edge, request), inputs, own }
}

const hidden = (): Promise<never> => Promise.reject(new ChannelError('CHANNEL_NOT_FOUND'))
const overloaded = (): Promise<never> => Promise.reject(new ChannelError('OVERLOADED'))
const USER: Caller = { role: 'user', entityId: 'u', grants: undefined, expiresAtMs: undefined }
const SEND_DENIED = {
  code: 'ACCESS_DENIED',
  message: "Access denied: You don't have permission to send to this channel",
}

describe('a send of somebody who is held to what it takes part in', () => {
  it.each(['user', 'agent'] as const)(
    'has the log look, and makes no channel (%s)',
    async (role) => {
      const { sending, inputs, own } = sendAs({ ...USER, role }, hidden)
      await expect(sending).rejects.toMatchObject(SEND_DENIED)
      expect(inputs).toMatchObject([{ visibleTo: 'u', authorId: 'u' }])
      expect(inputs[0]?.autoCreate).toBeUndefined()
      expect(own.size).toBe(0)
    },
  )

  it('is not looked at for a manager by token, who makes no channel either', async () => {
    const grants = [{ pattern: '*', allow: ['admin'] as const }]
    const { sending, inputs } = sendAs({ ...USER, grants }, hidden)
    await expect(sending).rejects.toMatchObject(SEND_DENIED)
    expect(inputs[0]).not.toHaveProperty('visibleTo')
    expect(inputs[0]?.autoCreate).toBeUndefined()
  })

  it('does not reach the log where the token allows no sending, or where it names somebody else', async () => {
    const grants = [{ pattern: '*', allow: ['join', 'read'] as const }]
    const narrowed = sendAs({ ...USER, grants }, hidden)
    await expect(narrowed.sending).rejects.toMatchObject(SEND_DENIED)
    const posing = sendAs(USER, hidden, { senderId: 'other' })
    await expect(posing.sending).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    expect([...narrowed.inputs, ...posing.inputs]).toEqual([])
  })

  it('is not refused once its delivery has acknowledged it', async () => {
    const scene = sendAs(USER, async ({ id }) => {
      await Promise.resolve()
      scene.own.delete(id)
      return hidden()
    })
    await expect(scene.sending).resolves.toBeUndefined()
  })
})

it('everybody else’s send is not looked at, and makes the channel', async () => {
  for (const role of ['anyone', 'service', 'admin'] as const) {
    const { sending, inputs } = sendAs({ ...USER, role }, overloaded)
    await expect(sending).rejects.toMatchObject({ code: 'OVERLOADED' })
    expect(inputs[0]).not.toHaveProperty('visibleTo')
    expect(inputs[0]?.autoCreate).toMatchObject({ createdBy: 'socketio_auto_creation' })
  }
})
