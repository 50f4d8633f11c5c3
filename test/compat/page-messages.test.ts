import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { Clients } from './support/clients.ts'
import { history, participants, rest } from './support/rest.ts'
import {
  ACK_STATUS,
  CHANNEL,
  JOIN_NEEDS,
  ONE,
  SEND_NEEDS,
  SERVER,
  SOCKET_MESSAGE_TYPE,
  TWO,
  UUID,
} from './support/words.ts'

describe('the page: real-time messaging', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const fullExample = {
    channelId: CHANNEL,
    serverId: SERVER,
    senderId: ONE,
    senderName: 'John Doe',
    message: 'Hello, how can you help me?',
    messageId: 'client-msg-123',
    source: 'web_client',
    metadata: { isDm: false, channelType: 'GROUP', targetUserId: TWO },
    attachments: [
      { url: 'https://example.com/image.jpg', contentType: 'image/jpeg', title: 'Screenshot' },
    ],
  }

  it('the full send example reaches the other, the sender, and is acknowledged', async () => {
    await using clients = new Clients(server.url)
    const [sender, other] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    await Promise.all([sender.join(CHANNEL), other.join(CHANNEL)])
    const before = Date.now()
    sender.emit(SOCKET_MESSAGE_TYPE.SEND_MESSAGE, fullExample)

    const ack = await sender.saw('messageAck')
    expect(ack).toMatchObject({
      clientMessageId: 'client-msg-123',
      messageId: expect.stringMatching(UUID),
      status: ACK_STATUS,
      channelId: CHANNEL,
      roomId: CHANNEL,
      seq: 1,
    })
    const received = await other.saw('messageBroadcast')
    expect(received).toMatchObject({
      id: ack.messageId,
      senderId: ONE,
      senderName: 'John Doe',
      text: 'Hello, how can you help me?',
      channelId: CHANNEL,
      roomId: CHANNEL,
      serverId: SERVER,
      messageServerId: SERVER,
      source: 'web_client',
      attachments: fullExample.attachments,
      seq: 1,
    })
    expect(received).not.toHaveProperty('clientMessageId')
    expect(received.createdAt).toBeGreaterThanOrEqual(before)
    expect(received.createdAt).toBeLessThanOrEqual(Date.now())
    const own = await sender.saw('messageBroadcast')
    expect(own).toEqual({ ...received, clientMessageId: 'client-msg-123' })
  })

  it('the roomId alternative without a messageId is a message like any other', async () => {
    await using clients = new Clients(server.url)
    const sender = await clients.connect({ entityId: ONE })
    sender.emit(SOCKET_MESSAGE_TYPE.SEND_MESSAGE, {
      roomId: CHANNEL,
      serverId: SERVER,
      senderId: ONE,
      senderName: 'John Doe',
      message: 'Hello, how can you help me?',
    })
    const ack = await sender.saw('messageAck')
    expect(ack).toMatchObject({ channelId: CHANNEL, status: ACK_STATUS })
    expect(ack).not.toHaveProperty('clientMessageId')
    const rows = await history(server.url, CHANNEL)
    expect(rows.at(-1)).toMatchObject({ id: ack.messageId, authorId: ONE, channelId: CHANNEL })
  })

  it('attachments and metadata are in the history too', async () => {
    await using clients = new Clients(server.url)
    const sender = await clients.connect({ entityId: ONE })
    const ack = await sender.request('send_message', { ...fullExample, messageId: 'kept' })
    const row = (await history(server.url, CHANNEL)).find(({ id }) => id === ack.messageId)
    expect(row).toMatchObject({
      content: fullExample.message,
      sourceType: 'web_client',
      metadata: { ...fullExample.metadata, attachments: fullExample.attachments },
    })
  })

  it('a message may be attachments alone', async () => {
    await using clients = new Clients(server.url)
    const sender = await clients.connect({ entityId: ONE })
    await sender.join('pictures')
    const { attachments } = fullExample
    const { messageId } = await sender.request('send_message', {
      channelId: 'pictures',
      attachments,
    })
    const own = await sender.saw('messageBroadcast', { id: messageId })
    expect(own).toMatchObject({ text: '', attachments })
  })

  it('a DM that does not exist is made with both participants', async () => {
    await using clients = new Clients(server.url)
    const [sender, target] = await clients.pair({}, { entityId: 'user-id-2' })
    await target.join('new-dm-channel-id')
    sender.emit(SOCKET_MESSAGE_TYPE.SEND_MESSAGE, {
      channelId: 'new-dm-channel-id',
      serverId: SERVER,
      senderId: 'user-id-1',
      message: 'Hello in new DM!',
      metadata: { isDm: true, channelType: 'DM', targetUserId: 'user-id-2' },
    })
    await sender.saw('messageAck', { channelId: 'new-dm-channel-id' })
    await target.saw('messageBroadcast', { senderId: 'user-id-1', text: 'Hello in new DM!' })
    const { data } = await rest(server.url, 'GET /api/messaging/channels/new-dm-channel-id/details')
    expect(data).toMatchObject({
      id: 'new-dm-channel-id',
      type: 'DM',
      name: 'DM new-dm-c',
      messageServerId: SERVER,
      sourceType: 'auto_created',
    })
    expect(await participants(server.url, 'new-dm-channel-id')).toEqual(['user-id-1', 'user-id-2'])
  })

  it('the second auto-creation example, isDm without a channelType, is a DM as well', async () => {
    await using clients = new Clients(server.url)
    const sender = await clients.connect()
    const ack = await sender.request(SOCKET_MESSAGE_TYPE.SEND_MESSAGE, {
      channelId: 'new-channel-id',
      serverId: SERVER,
      senderId: 'user-id',
      message: 'Hello in new channel',
      metadata: { isDm: true, targetUserId: 'another-user-id' },
    })
    expect(ack).toMatchObject({ channelId: 'new-channel-id', seq: 1 })
    const { data } = await rest(server.url, 'GET /api/messaging/channels/new-channel-id/details')
    expect(data).toMatchObject({ type: 'DM', messageServerId: SERVER })
    expect(await participants(server.url, 'new-channel-id')).toEqual(['user-id', 'another-user-id'])
    const [row] = await history(server.url, 'new-channel-id')
    expect(row).toMatchObject({ content: 'Hello in new channel', authorId: 'user-id' })
  })

  it('an agent’s message carries its thought and actions to the sockets', async () => {
    await using clients = new Clients(server.url)
    const reader = await clients.connect({ entityId: TWO })
    await reader.join(CHANNEL)
    const text = 'Hello! I can help you with various tasks.'
    const { status } = await rest(server.url, 'POST /api/messaging/submit', {
      channel_id: CHANNEL,
      message_server_id: SERVER,
      author_id: ONE,
      content: text,
      source_type: 'agent_response',
      raw_message: { text, thought: 'The user is asking for help', actions: ['respond'] },
      metadata: { agentName: 'Agent Alice' },
    })
    expect(status).toBe(201)
    const message = await reader.saw('messageBroadcast', { text })
    expect(message).toMatchObject({
      id: expect.stringMatching(UUID),
      senderId: ONE,
      senderName: 'Agent Alice',
      channelId: CHANNEL,
      roomId: CHANNEL,
      serverId: SERVER,
      createdAt: expect.any(Number),
      source: 'agent_response',
      attachments: [],
      thought: 'The user is asking for help',
      actions: ['respond'],
    })
  })

  it('messageComplete follows a message that no agent will answer', async () => {
    await using clients = new Clients(server.url)
    const [sender, other] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    await Promise.all([sender.join('completed'), other.join('completed')])
    const { messageId } = await sender.send('completed', 'anyone?')
    for (const client of [sender, other]) {
      const complete = await client.saw('messageComplete')
      expect(complete).toMatchObject({ channelId: 'completed', serverId: SERVER, messageId })
      expect(client.names('messageBroadcast', 'messageComplete')).toEqual([
        'messageBroadcast',
        'messageComplete',
      ])
    }
  })

  it('messageComplete does not wait for an agent of another server, and comes once for a message', async () => {
    await using clients = new Clients(server.url)
    const [sender, other] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const agentId = '550e8400-e29b-41d4-a716-446655440003'
    await sender.send('with-an-agent', 'makes the channel')
    await Promise.all([sender.join('with-an-agent'), other.join('with-an-agent')])
    const added = await rest(server.url, 'POST /api/messaging/channels/with-an-agent/agents', {
      agentId,
    })
    expect(added.status).toBe(201)
    const { messageId } = await sender.send('with-an-agent', 'a question')
    for (const client of [sender, other]) await client.saw('messageComplete', { messageId })
    // The agent may say so, too: of the message it is known, of the channel it is passed on.
    for (const named of [{ messageId }, {}]) {
      const completed = await rest(server.url, 'POST /api/messaging/complete', {
        channel_id: 'with-an-agent',
        server_id: SERVER,
        ...named,
      })
      expect(completed.status).toBe(200)
    }
    for (const client of [sender, other]) {
      await client.saw('messageComplete', (complete) => complete.messageId === undefined)
      expect(client.all('messageComplete', { messageId })).toHaveLength(1)
    }
  })

  const generic = {
    type: SOCKET_MESSAGE_TYPE.SEND_MESSAGE,
    payload: { channelId: CHANNEL, message: 'Hello from generic handler' },
  }

  it('the generic example stands: the sender is the handshake’s entity', async () => {
    await using clients = new Clients(server.url)
    const [sender, other] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    await other.join(CHANNEL)
    sender.emit('message', generic)
    await sender.saw('messageAck', { channelId: CHANNEL })
    await other.saw('messageBroadcast', { senderId: ONE, text: 'Hello from generic handler' })
  })

  it('the generic example stands without a handshake entity too: the join said who it is', async () => {
    await using clients = new Clients(server.url)
    const [sender, other] = await clients.pair({}, { entityId: TWO })
    await other.join(CHANNEL)
    sender.emit('room_joining', { channelId: CHANNEL, entityId: 'joined-as' })
    await sender.saw('channel_joined')
    sender.emit('message', generic)
    await other.saw('messageBroadcast', { senderId: 'joined-as', text: generic.payload.message })
    await sender.saw('messageAck', { channelId: CHANNEL })
  })

  it('a join counts for the message right behind it, which did not wait for its answer', async () => {
    await using clients = new Clients(server.url)
    for (let round = 0; round < 20; round += 1) {
      const sender = await clients.connect()
      const channelId = `right-behind-${round}`
      sender.emit('room_joining', { channelId, entityId: 'joined-as' })
      const answer = await sender.request('message', {
        ...generic,
        payload: { ...generic.payload, channelId },
      })
      expect(answer, `round ${round}`).toMatchObject({ channelId, status: ACK_STATUS })
      await sender.saw('messageBroadcast', { channelId, senderId: 'joined-as' })
    }
  })

  it('with neither, a sender is required and the client is told', async () => {
    await using clients = new Clients(server.url)
    const sender = await clients.connect()
    sender.emit('message', generic)
    const error = await sender.saw('messageError')
    expect(error).toMatchObject({ error: SEND_NEEDS, retryable: false })
  })

  it('errors have the page’s sentences', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    client.emit('room_joining', {})
    await client.saw('messageError', { error: JOIN_NEEDS })
    client.emit('send_message', { messageId: 'which' })
    await client.saw('messageError', { error: SEND_NEEDS, clientMessageId: 'which' })
  })

  it('a message on an unknown server is refused by name and makes no channel', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    client.emit('send_message', { channelId: 'homeless', serverId: TWO, message: 'hi' })
    await client.saw('messageError', { error: `Server ${TWO} does not exist` })
    const { status } = await rest(server.url, 'GET /api/messaging/channels/homeless/details')
    expect(status).toBe(404)
  })
})
