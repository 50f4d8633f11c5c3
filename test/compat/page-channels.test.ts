import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { Clients } from './support/clients.ts'
import { participants, rest } from './support/rest.ts'
import {
  CHANNEL,
  ChannelType,
  JOIN_NEEDS,
  ONE,
  SERVER,
  SOCKET_MESSAGE_TYPE,
  TWO,
} from './support/words.ts'

describe('the page: channel management', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('joins by channelId as in the example, and confirms under both names', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: TWO })
    client.emit(SOCKET_MESSAGE_TYPE.ROOM_JOINING, {
      channelId: CHANNEL,
      agentId: ONE,
      entityId: TWO,
      serverId: SERVER,
      metadata: { isDm: false, channelType: 'GROUP' },
    })
    const joined = await client.saw('channel_joined')
    expect(joined).toMatchObject({ channelId: CHANNEL, roomId: CHANNEL, agentId: ONE })
    // The page shows the sentence without, the server has always sent it with a full stop.
    expect(joined.message).toBe(`Socket ${client.id} successfully joined channel ${CHANNEL}.`)
    const legacy = await client.saw('room_joined')
    expect(legacy).toEqual(joined)
    expect(client.names('channel_joined', 'room_joined')).toEqual(['channel_joined', 'room_joined'])
  })

  it('joins by roomId as in the alternative, without an agent in the answer', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: TWO })
    client.emit(SOCKET_MESSAGE_TYPE.ROOM_JOINING, {
      roomId: CHANNEL,
      entityId: TWO,
      serverId: SERVER,
    })
    const joined = await client.saw('channel_joined')
    expect(joined).toMatchObject({ channelId: CHANNEL, roomId: CHANNEL })
    expect(joined).not.toHaveProperty('agentId')
    await client.saw('room_joined', { roomId: CHANNEL })
  })

  it('says where delivery begins: the epoch and the seq of the channel', async () => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const fresh = await one.join('where-delivery-begins')
    expect(fresh).toMatchObject({ seq: 0, epoch: expect.stringMatching(/./) })
    expect(fresh).not.toHaveProperty('recovered')
    const { seq } = await one.send('where-delivery-begins', 'first')
    expect(seq).toBe(1)
    const later = await two.join('where-delivery-begins')
    expect(later).toMatchObject({ seq: 1, epoch: fresh.epoch })
  })

  it('needs no entity id to join, and delivers to whoever joined', async () => {
    await using clients = new Clients(server.url)
    const [reader, writer] = await clients.pair({}, { entityId: ONE })
    reader.emit(SOCKET_MESSAGE_TYPE.ROOM_JOINING, { channelId: 'read-only' })
    await reader.saw('channel_joined', { channelId: 'read-only' })
    await writer.send('read-only', 'to a nameless reader')
    await reader.saw('messageBroadcast', { text: 'to a nameless reader' })
  })

  it('tells those who are in the channel which entity came and went', async () => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair({ entityId: ONE }, {})
    await one.join('entity-joined')
    two.emit(SOCKET_MESSAGE_TYPE.ROOM_JOINING, { channelId: 'entity-joined', entityId: TWO })
    await one.saw('presence', { channelId: 'entity-joined', entityId: TWO, isPresent: true })
    two.socket.disconnect()
    await one.saw('presence', { channelId: 'entity-joined', entityId: TWO, isPresent: false })
  })

  it('answers a join without a channel with the page’s messageError', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    client.emit(SOCKET_MESSAGE_TYPE.ROOM_JOINING, { entityId: ONE, serverId: SERVER })
    const error = await client.saw('messageError')
    expect(error).toMatchObject({ error: JOIN_NEEDS, retryable: false })
    expect(error.code).toEqual(expect.stringMatching(/^[A-Z_]+$/))
  })

  describe.each(Object.values(ChannelType))('a channel of type %s', (type) => {
    it('is made by its first message and keeps its type', async () => {
      await using clients = new Clients(server.url)
      const [reader, writer] = await clients.pair({ entityId: TWO }, { entityId: ONE })
      const channelId = `typed-${type}`
      await reader.join(channelId)
      await writer.send(channelId, `first in ${type}`, {
        metadata: { isDm: type === 'DM', channelType: type, targetUserId: TWO },
      })
      await reader.saw('messageBroadcast', { channelId, text: `first in ${type}` })
      const { data } = await rest(server.url, `GET /api/messaging/channels/${channelId}/details`)
      expect(data).toMatchObject({ id: channelId, type, messageServerId: SERVER })
      // Only a DM has two participants from the start.
      const expected = type === 'DM' ? [ONE, TWO] : [ONE]
      expect(await participants(server.url, channelId)).toEqual(expected)
    })

    it('is made over REST and works on the sockets', async () => {
      await using clients = new Clients(server.url)
      const [reader, writer] = await clients.pair({ entityId: TWO }, { entityId: ONE })
      const { status, data } = await rest(server.url, 'POST /api/messaging/channels', {
        id: `made-${type}`,
        name: `A ${type}`,
        type,
        message_server_id: SERVER,
        participantCentralUserIds: [],
      })
      expect(status).toBe(201)
      expect(data).toMatchObject({ id: `made-${type}`, type })
      await reader.join(`made-${type}`)
      await writer.send(`made-${type}`, 'hello')
      await reader.saw('messageBroadcast', { channelId: `made-${type}`, text: 'hello' })
    })
  })
})
