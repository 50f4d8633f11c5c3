import { randomUUID } from 'node:crypto'
import { createUniqueUuid, stringToUuid } from '@elizaos/core'
import type { EntityPayload, MessagePayload } from '@elizaos/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PATIENTLY } from '../compat/support/client.ts'
import type { Client, Payload } from '../compat/support/client.ts'
import { restData } from '../cluster/support/rest.ts'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { startWorld } from './support/eliza-world.ts'
import type { ElizaWorld } from './support/eliza-world.ts'
import { answering, createRuntime } from './support/runtimes.ts'
import type { TestRuntime } from './support/runtimes.ts'

let world: ElizaWorld
let alice: TestRuntime
let bob: TestRuntime

const received: MessagePayload[] = []
const returned: unknown[] = []
const joins: EntityPayload[] = []
let failures = 1

/** What Alice does with a message. */
async function answer(text: string, payload: MessagePayload): Promise<void> {
  received.push(payload)
  const { callback } = payload
  if (callback === undefined) throw new Error('no callback')
  if (text === 'ignore me') await callback({ text: 'not mine', actions: ['IGNORE'] })
  else if (text === 'say nothing') await callback({ text: '', actions: ['REPLY'] })
  else if (text === 'fail once' && failures > 0) {
    failures -= 1
    throw new Error('not this time')
  } else {
    const attachments = [{ id: 'a', url: 'https://example.com/a.png' }]
    const content = { text: `you said ${text}`, thought: 'they said it', actions: ['REPLY'] }
    returned.push(await callback(text === 'show me' ? { ...content, attachments } : content))
    if (text === 'twice') await callback({ text: 'again', actions: ['CONTINUE'] })
  }
}

beforeAll(async () => {
  alice = await createRuntime({
    name: 'Alice',
    plugin: answering(answer, (payload) => {
      joins.push(payload)
    }),
  })
  bob = await createRuntime({
    name: 'Bob',
    plugin: answering(async (text, { message, callback }) => {
      const isHuman = message.content.source !== 'agent_response'
      if (isHuman) await callback?.({ text: `Bob heard ${text}` })
    }),
  })
  world = await startWorld()
  await world.server.registerAgent(alice.runtime)
  await world.server.registerAgent(bob.runtime)
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const ofAlice = (payload: Payload): boolean => payload['senderId'] === alice.runtime.agentId

/** Says it, and resolves with what Alice answered until the message was complete. */
async function ask(client: Client, channelId: string, text: string): Promise<Payload[]> {
  const { messageId } = await client.send(channelId, text, { senderName: 'Ann' })
  await client.saw('messageComplete', { messageId })
  return client.all(
    'messageBroadcast',
    (payload) => ofAlice(payload) && payload['inReplyTo'] === messageId,
  )
}

describe('a runtime of elizaOS that is registered', () => {
  it('gets ENTITY_JOINED as the page has it when somebody joins with a socket', async () => {
    const entityId = randomUUID()
    const channelId = await world.channel('GROUP', [entityId, alice.runtime.agentId])
    const client = await world.joined(entityId, channelId, {
      agentId: alice.runtime.agentId,
      entityId,
      serverId: DEFAULT_SERVER_ID,
      metadata: { isDm: false, channelType: 'GROUP' },
    })
    await expect
      .poll(() => joins.filter(({ roomId }) => roomId === channelId), PATIENTLY)
      .toEqual([
        {
          entityId,
          runtime: alice.runtime,
          worldId: DEFAULT_SERVER_ID,
          roomId: channelId,
          metadata: { type: 'GROUP', isDm: false, channelType: 'GROUP' },
          source: 'socketio',
        },
      ])
    const { connections, agents } = world.server.router
    expect(connections.get(client.id)).toBe(alice.runtime.agentId)
    expect([...agents.values()]).toEqual([alice.runtime, bob.runtime])
  })

  it('gets ENTITY_JOINED of a channel that is still to come, where the client names it', async () => {
    const [channelId, entityId] = [randomUUID(), randomUUID()]
    const { agentId } = alice.runtime
    const metadata = { isDm: true, channelType: 'DM' }
    const client = await world.joined(entityId, channelId, { agentId, entityId, metadata })
    const heard = () => joins.filter(({ roomId }) => roomId === channelId)
    await expect
      .poll(heard, PATIENTLY)
      .toMatchObject([{ entityId, metadata: { type: 'DM', isDm: true }, source: 'socketio' }])
    // As the page has it, the first message makes the channel.
    const { messageId } = await client.send(channelId, 'first', {
      metadata: { ...metadata, targetUserId: agentId },
    })
    await client.saw('messageBroadcast', { inReplyTo: messageId, text: 'you said first' })
    await client.join(channelId, { agentId: bob.runtime.agentId, entityId })
    await expect.poll(heard, PATIENTLY).toHaveLength(2)
  })

  it('answers through the callback, with its thought and actions', async () => {
    const channelId = await world.channel('DM', ['ann', alice.runtime.agentId])
    const ann = await world.joined('ann', channelId)
    const [reply, ...others] = await ask(ann, channelId, 'hello')
    expect(others).toEqual([])
    expect(reply).toMatchObject({
      senderId: alice.runtime.agentId,
      senderName: 'Alice',
      text: 'you said hello',
      source: 'agent_response',
      thought: 'they said it',
      actions: ['REPLY'],
      channelId,
      serverId: DEFAULT_SERVER_ID,
    })
    const twice = await ask(ann, channelId, 'twice')
    expect(twice.map(({ text }) => text)).toEqual(['you said twice', 'again'])
    const [shown] = await ask(ann, channelId, 'show me')
    expect(shown?.['attachments']).toEqual([{ id: 'a', url: 'https://example.com/a.png' }])
  })

  it('gets the message with the ids that elizaOS gives it, in a room that it knows', async () => {
    const channelId = await world.channel('DM', ['ann', alice.runtime.agentId])
    const ann = await world.joined('ann', channelId)
    const [reply] = await ask(ann, channelId, 'who am I?')
    const { runtime, database } = alice
    const own = (id: unknown) => createUniqueUuid(runtime, String(id))
    const messageId = String(reply?.['inReplyTo'])
    const payload = received.find(({ message }) => message.id === own(messageId))
    expect(payload).toMatchObject({
      runtime,
      source: 'socketio_client',
      message: {
        entityId: stringToUuid('ann'),
        agentId: runtime.agentId,
        roomId: own(channelId),
        worldId: own(DEFAULT_SERVER_ID),
        createdAt: expect.any(Number),
        content: { text: 'who am I?', source: 'socketio_client', channelType: 'DM' },
        metadata: {
          type: 'message',
          sourceId: messageId,
          entityName: 'Ann',
          raw: { id: messageId, channelId, senderId: 'ann' },
        },
      },
    })
    expect(database.rooms.get(own(channelId))).toMatchObject({
      channelId,
      type: 'DM',
      messageServerId: DEFAULT_SERVER_ID,
    })
    expect(database.entities.get(stringToUuid('ann'))?.names).toEqual(['Ann'])
    const said = database.memories.get(own(reply?.['id']))
    expect(said).toMatchObject({ entityId: runtime.agentId, roomId: own(channelId) })
    expect(returned.at(-1)).toEqual([said])
    // It is the one who joined, and owns the world in which nobody was before.
    expect(database.worlds.get(own(DEFAULT_SERVER_ID))?.metadata?.ownership).toEqual({
      ownerId: stringToUuid('ann'),
    })
    await expect
      .poll(() => joins.find(({ roomId }) => roomId === channelId)?.entityId, PATIENTLY)
      .toBe(stringToUuid('ann'))
  })

  it.each(['ignore me', 'say nothing'])(
    'stays silent when it wants to, and "%s" is complete',
    async (text) => {
      const channelId = await world.channel('DM', ['ann', alice.runtime.agentId])
      const ann = await world.joined('ann', channelId)
      expect(await ask(ann, channelId, text)).toEqual([])
      await ann.roundTrip()
      expect(ann.all('messageComplete')).toHaveLength(1)
      expect(await world.said(channelId)).toHaveLength(1)
      // It succeeded at that.
      expect(received.filter(({ message }) => message.content.text === text)).toHaveLength(1)
    },
  )

  it('is handed again what its handler failed at, and answers it once', async () => {
    const channelId = await world.channel('DM', ['ann', alice.runtime.agentId])
    const ann = await world.joined('ann', channelId)
    const replies = await ask(ann, channelId, 'fail once')
    expect(replies.map(({ text }) => text)).toEqual(['you said fail once'])
    expect(failures).toBe(0)
  })

  it('shares a channel with another one', async () => {
    const [a, b] = [alice.runtime.agentId, bob.runtime.agentId]
    const channelId = await world.channel('GROUP', ['ann', a, b])
    const ann = await world.joined('ann', channelId)
    const { messageId } = await ann.send(channelId, 'you two')
    await ann.saw('messageComplete', { messageId })
    const texts = ann
      .all('messageBroadcast', { inReplyTo: messageId })
      .map(({ senderName, text }) => `${String(senderName)}: ${String(text)}`)
    expect(texts.toSorted()).toEqual(['Alice: you said you two', 'Bob: Bob heard you two'])
  })

  it('is listed, and hears nothing more once it is taken out', async () => {
    const { runtime } = await createRuntime({
      name: 'Cara Once',
      plugin: answering(async (text, { callback }) => {
        await callback?.({ text: `Cara heard ${text}` })
      }),
    })
    const listed = async () => {
      const { agents } = await restData<{ readonly agents: readonly Payload[] }>(world.url, {
        path: '/api/agents',
      })
      return agents.map(({ name, bio }) => [name, bio])
    }
    await world.server.registerAgent(runtime)
    expect(await listed()).toContainEqual(['Cara Once', 'Cara Once is a test. Nothing else.'])
    const channelId = await world.channel('GROUP', ['ann', runtime.agentId])
    const ann = await world.joined('ann', channelId)
    const first = await ann.send(channelId, 'one')
    await ann.saw('messageBroadcast', { inReplyTo: first['messageId'] })

    await world.server.unregisterAgent(runtime.agentId)
    expect(world.server.agents.has(runtime.agentId)).toBe(false)
    await expect.poll(listed, PATIENTLY).toEqual([
      ['Alice', 'Alice is a test. Nothing else.'],
      ['Bob', 'Bob is a test. Nothing else.'],
    ])
    const second = await ann.send(channelId, 'two')
    // What came while it was away is kept for it.
    await world.server.registerAgent(runtime)
    const reply = await ann.saw('messageBroadcast', { inReplyTo: second['messageId'] })
    expect(reply['text']).toBe('Cara heard two')
    await world.server.unregisterAgent(runtime.agentId)
  })

  it('is refused where it is none', async () => {
    await expect(world.server.registerAgent({} as never)).rejects.toThrow(
      new TypeError('registerAgent: an AgentRuntime with an id and a character'),
    )
    await expect(world.server.start(0)).rejects.toThrow('start: the server runs already')
  })
})
