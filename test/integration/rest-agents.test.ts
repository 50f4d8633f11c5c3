import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { newId } from '../../src/util/new-id.ts'
import { startRest } from './support/rest-server.ts'
import type { RestServer } from './support/rest-server.ts'

const API = '/api/messaging'

const answer = {
  channel_id: 'room',
  message_server_id: DEFAULT_SERVER_ID,
  author_id: 'helper',
  content: 'agent says',
  source_type: 'agent_response',
  raw_message: { text: 'agent says', thought: 'hm', actions: ['REPLY'] },
  metadata: { agentName: 'Helper' },
}

async function withRoom(): Promise<RestServer> {
  const server = await startRest()
  await server.call('POST', `${API}/channels`, {
    id: 'room',
    name: 'Room',
    message_server_id: DEFAULT_SERVER_ID,
    participantCentralUserIds: ['helper', 'alice'],
  })
  await server.log.follow('room')
  return server
}

describe.each(['submit', 'action'])('POST /%s', (route) => {
  it('stores the answer as the agent has it, and delivers it', async () => {
    await using server = await withRoom()
    const { status, body } = await server.call('POST', `${API}/${route}`, answer)
    expect(status).toBe(201)
    expect(body.data).toMatchObject({
      channelId: 'room',
      authorId: 'helper',
      rawMessage: answer.raw_message,
      metadata: { agentName: 'Helper' },
      senderName: 'Helper',
    })
    expect(server.entries).toMatchObject([{ kind: 'posted', message: { id: body.data.id } }])
  })

  it('answers the first row to a repeated messageId, and 409 when it is another’s', async () => {
    await using server = await withRoom()
    const messageId = 'EEEEEEEE-0000-4000-8000-000000000009'
    const first = await server.call('POST', `${API}/${route}`, { ...answer, messageId })
    expect(first.body.data.id).toBe(messageId.toLowerCase())
    const again = await server.call('POST', `${API}/${route}`, {
      ...answer,
      messageId: messageId.toLowerCase(),
      content: 'differs',
    })
    expect(again.status).toBe(201)
    expect(again.body).toEqual(first.body)
    const stolen = await server.call('POST', `${API}/${route}`, {
      ...answer,
      messageId,
      author_id: 'mallory',
    })
    expect(stolen.status).toBe(409)
    expect(stolen.body).toMatchObject({ success: false, code: 'MESSAGE_ID_TAKEN' })
    expect(server.entries).toHaveLength(1)
  })

  it('does not create a channel', async () => {
    await using server = await withRoom()
    const body = { ...answer, channel_id: 'nowhere' }
    const { status } = await server.call('POST', `${API}/${route}`, body)
    expect(status).toBe(404)
  })
})

it('an action is updated in place, by its author only where one is named', async () => {
  await using server = await withRoom()
  const { body } = await server.call('POST', `${API}/action`, answer)
  const path = `${API}/action/${body.data.id}`
  const done = await server.call('PATCH', path, {
    content: 'done',
    raw_message: { actionStatus: 'completed' },
    author_id: 'helper',
  })
  expect(done.body.data).toMatchObject({
    content: 'done',
    rawMessage: { actionStatus: 'completed' },
    sourceType: 'agent_response',
  })
  const stolen = await server.call('PATCH', path, { content: 'x', author_id: 'mallory' })
  expect(stolen.status).toBe(403)
})

describe('a message of another platform', () => {
  const external = {
    channel_id: 'room',
    server_id: DEFAULT_SERVER_ID,
    author_id: 'carol',
    content: 'ext',
    source_type: 'discord',
    source_id: 'd1',
    author_display_name: 'Carol',
  }

  it('is posted once, however often its bridge repeats it', async () => {
    await using server = await withRoom()
    const first = await server.call('POST', `${API}/ingest-external`, external)
    const again = await server.call('POST', `${API}/ingest-external`, external)
    expect([first.status, again.status]).toEqual([202, 202])
    expect(again.body.data).toEqual(first.body.data)
    const next = await server.call('POST', `${API}/ingest-external`, {
      ...external,
      source_id: 'd2',
    })
    expect(next.body.data).not.toEqual(first.body.data)
    expect(server.entries).toHaveLength(2)
    const { body } = await server.call('GET', `${API}/messages/${first.body.data.messageId}`)
    expect(body.data).toMatchObject({
      senderName: 'Carol',
      sourceType: 'discord',
      sourceId: 'd1',
    })
  })

  it('without an id in its own world is posted each time', async () => {
    await using server = await withRoom()
    const { source_id: _dropped, ...anonymous } = external
    await server.call('POST', `${API}/ingest-external`, anonymous)
    await server.call('POST', `${API}/ingest-external`, anonymous)
    expect(server.entries).toHaveLength(2)
  })
})

it('completion reaches the channel, but not of a message that was complete, and is not stored', async () => {
  await using server = await withRoom()
  await server.log.append({ type: 'open-inbox', id: newId(), agentId: 'robot' })
  const add = [{ entityId: 'robot', isAgent: true }]
  const change = { type: 'change-participants', id: newId(), channelId: 'room' } as const
  const complete = async (messageId?: string) => {
    const body = { channel_id: 'room', server_id: DEFAULT_SERVER_ID, messageId }
    const answered = await server.call('POST', `${API}/complete`, body)
    expect(answered.status).toBe(200)
    expect(answered.body).toEqual({ success: true, message: 'Completion event emitted' })
  }
  const unawaited = await server.call('POST', `${API}/submit`, answer)
  await server.log.append({ ...change, add, remove: [] })
  const awaited = await server.call('POST', `${API}/submit`, answer)
  await complete(unawaited.body.data.id)
  await complete(newId())
  await complete(awaited.body.data.id)
  await complete()
  const frame = { kind: 'complete', channelId: 'room', serverId: DEFAULT_SERVER_ID }
  expect(server.frames).toEqual([{ ...frame, messageId: awaited.body.data.id }, frame])
  expect(await server.log.head('room')).toBe(3)
  const bad = await server.call('POST', `${API}/complete`, {})
  expect(bad.body.error).toBe('Missing or invalid fields: channel_id, server_id')
})

it('no agent runs here, and each is not found in its family’s words', async () => {
  await using server = await startRest()
  expect((await server.call('GET', '/api/agents')).body).toEqual({
    success: true,
    data: { agents: [] },
  })
  const one = await server.call('GET', '/api/agents/helper')
  expect(one.status).toBe(404)
  expect(one.body).toEqual({
    success: false,
    error: { code: 'NOT_FOUND', message: 'Agent not found' },
  })
})
