import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID, LIMITS } from '../../src/protocol/limits.ts'
import { startRest } from './support/rest-server.ts'
import type { RestServer } from './support/rest-server.ts'

const API = '/api/messaging'
const room = { name: 'Room', message_server_id: DEFAULT_SERVER_ID, participantCentralUserIds: [] }

async function createRoom(server: RestServer, fields: object = {}): Promise<string> {
  const { body } = await server.call('POST', `${API}/channels`, { ...room, ...fields })
  return body.data.id
}

async function participantIds(server: RestServer, id: string): Promise<string[]> {
  const { body } = await server.call('GET', `${API}/channels/${id}/participants`)
  return body.data
}

describe('a channel', () => {
  it('keeps the id that its creator chose, and keeps it from others', async () => {
    await using server = await startRest()
    const id = 'AAAAAAAA-0000-4000-8000-000000000001'
    const first = await server.call('POST', `${API}/channels`, { ...room, id })
    expect(first.body.data.id).toBe(id.toLowerCase())
    const second = await server.call('POST', `${API}/channels`, { ...room, id: id.toLowerCase() })
    expect(second.status).toBe(409)
    expect(second.body).toMatchObject({ success: false, code: 'CHANNEL_EXISTS' })
    expect(second.headers.get('retry-after')).toBeNull()
  })

  it('is logged when it is created, by request or by its first message', async () => {
    await using server = await startRest()
    const channelId = await createRoom(server)
    const post = { author_id: 'alice', content: 'hi', message_server_id: DEFAULT_SERVER_ID }
    await server.call('POST', `${API}/channels/first-words/messages`, post)
    expect(server.lines).toMatchObject([
      { level: 30, msg: 'channel created', channelId, serverId: DEFAULT_SERVER_ID, type: 'GROUP' },
      { level: 30, msg: 'channel created', channelId: 'first-words', type: 'GROUP' },
    ])
  })

  it('changes what is named and keeps the rest', async () => {
    await using server = await startRest()
    const id = await createRoom(server, { metadata: { a: 1 } })
    const path = `${API}/channels/${id}`
    await server.call('PATCH', path, { topic: 'Anything' })
    const { body } = await server.call('PATCH', path, { name: 'New' })
    expect(body.data).toMatchObject({ name: 'New', topic: 'Anything', metadata: { a: 1 } })
    await server.call('PATCH', path, { metadata: { b: 2 } })
    const details = await server.call('GET', `${path}/details`)
    expect(details.body.data.metadata).toEqual({ b: 2, participantCentralUserIds: [] })
  })

  it('is answered as it is when a change names nothing', async () => {
    await using server = await startRest()
    const id = await createRoom(server, { participantCentralUserIds: ['alice'] })
    const path = `${API}/channels/${id}`
    const before = await server.call('GET', `${path}/details`)
    for (const body of [{}, { unknown: 1 }, undefined]) {
      expect(await server.call('PATCH', path, body)).toMatchObject({
        status: 200,
        body: before.body,
      })
    }
    expect(await server.log.head(id)).toBe(0)
  })

  it.each([
    [{ type: 'BANANA' }, /^type: .*"DM".*"GROUP"/],
    [{ name: 'x'.repeat(257) }, /^name: .*256/],
    [{ topic: 'x'.repeat(257) }, /^topic: .*256/],
    [{ id: '..' }, /^id: .*not only dots/],
    [{ id: '' }, /^id: /],
    [{ name: '' }, /^Invalid payload\. Required: name/],
  ])('is not made from %j, and the answer says why', async (fields, words) => {
    await using server = await startRest()
    const { status, body } = await server.call('POST', `${API}/channels`, { ...room, ...fields })
    expect(status).toBe(400)
    expect(body.error).toMatch(words)
    expect(await server.log.channels()).toEqual([])
  })

  it('refuses too large metadata in a change, too', async () => {
    await using server = await startRest()
    const id = await createRoom(server)
    const metadata = { words: 'x'.repeat(LIMITS.maxMetadataBytes) }
    const { status, body } = await server.call('PATCH', `${API}/channels/${id}`, { metadata })
    expect(status).toBe(413)
    expect(body.error).toBe('metadata: 65548 bytes are too large, at most 65536 are taken')
  })

  it('can be deleted twice, and is then not found', async () => {
    await using server = await startRest()
    const id = await createRoom(server)
    for (let round = 0; round < 2; round += 1) {
      expect((await server.call('DELETE', `${API}/channels/${id}`)).status).toBe(204)
    }
    const details = await server.call('GET', `${API}/channels/${id}/details`)
    expect(details.status).toBe(404)
    expect(details.body).toEqual({
      success: false,
      error: 'Channel not found',
      code: 'CHANNEL_NOT_FOUND',
    })
  })

  it('is listed with all others, or with those of its server', async () => {
    await using server = await startRest()
    const other = await server.call('POST', `${API}/message-servers`, {
      name: 'Other',
      sourceType: 'test',
    })
    const { id: otherId } = other.body.data.server
    const here = await createRoom(server)
    const there = await createRoom(server, { message_server_id: otherId })
    const ids = async (path: string) => {
      const { body } = await server.call('GET', `${API}/${path}`)
      return body.data.channels.map((channel: { id: string }) => channel.id)
    }
    expect(await ids('channels')).toEqual([here, there])
    expect(await ids(`channels?messageServerId=${otherId}`)).toEqual([there])
    expect(await ids(`message-servers/${otherId}/channels`)).toEqual([there])
    expect(await ids(`central-servers/${otherId}/channels`)).toEqual([there])
  })
})

describe('participants', () => {
  it('are all kept when many are added and removed at once', async () => {
    await using server = await startRest()
    const id = await createRoom(server, { participantCentralUserIds: ['leaver'] })
    const added = Array.from({ length: 40 }, (_, index) => `user-${index}`)
    const answers = await Promise.all([
      ...added.map((entityId, index) =>
        index % 2 === 0
          ? server.call('POST', `${API}/channels/${id}/participants`, { entityId })
          : server.call('POST', `${API}/channels/${id}/agents`, { agentId: entityId }),
      ),
      server.call('DELETE', `${API}/channels/${id}/participants/leaver`),
    ])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]))
    expect((await participantIds(server, id)).toSorted()).toEqual(added.toSorted())
  })

  it('survive the way the official client adds a user: read the metadata, write it longer', async () => {
    await using server = await startRest()
    const id = await createRoom(server, { participantCentralUserIds: ['alice', 'bob'] })
    const { body } = await server.call('GET', `${API}/channels/${id}/details`)
    const { metadata } = body.data
    await server.call('PATCH', `${API}/channels/${id}`, {
      metadata,
      participantCentralUserIds: [...metadata.participantCentralUserIds, 'carol'],
    })
    expect(await participantIds(server, id)).toEqual(['alice', 'bob', 'carol'])
  })

  it('can be named by userId or in a list, once each', async () => {
    await using server = await startRest()
    const id = await createRoom(server)
    const path = `${API}/channels/${id}/participants`
    await server.call('POST', path, { userId: 'alice' })
    const { status, body } = await server.call('POST', path, { entityIds: ['alice', 'bob'] })
    expect(status).toBe(201)
    expect(body.data).toEqual({ channelId: id, participants: ['alice', 'bob'] })
  })

  it('of a thousand wrong names are refused in few words', async () => {
    await using server = await startRest()
    const id = await createRoom(server)
    const body = { entityIds: Array.from({ length: 1_000 }, () => 'no id!') }
    const answer = await server.call('POST', `${API}/channels/${id}/participants`, body)
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatch(/^entityIds\.0: .*entityIds\.4: .*; and 995 more$/)
  })

  it.each([{}, { entityId: 'no id!' }, { entityIds: [] }])(
    'are not added from %j',
    async (body) => {
      await using server = await startRest()
      const id = await createRoom(server)
      const answer = await server.call('POST', `${API}/channels/${id}/participants`, body)
      expect(answer.status).toBe(400)
      expect(answer.body).toMatchObject({ success: false, code: 'INVALID_PAYLOAD' })
    },
  )

  it('that are not there cannot be removed', async () => {
    await using server = await startRest()
    const id = await createRoom(server)
    const answer = await server.call('DELETE', `${API}/channels/${id}/participants/ghost`)
    expect(answer.status).toBe(404)
    expect(answer.body).toMatchObject({ code: 'PARTICIPANT_NOT_FOUND' })
    const nowhere = await server.call('DELETE', `${API}/channels/nowhere/participants/ghost`)
    expect(nowhere.body).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
  })

  it('that are connected are shown by presence', async () => {
    await using server = await startRest()
    server.presence.set('room', ['alice', 'bob'])
    const { body } = await server.call('GET', `${API}/channels/room/presence`)
    expect(body).toEqual({
      success: true,
      data: { channelId: 'room', entities: ['alice', 'bob'], count: 2 },
    })
  })
})

it('a hundred racing calls make one DM channel', async () => {
  await using server = await startRest()
  const paths = Array.from({ length: 100 }, (_, index) => {
    const [one, two] = index % 2 === 0 ? ['alice', 'bob'] : ['bob', 'alice']
    return `${API}/dm-channel?currentUserId=${one}&targetUserId=${two}`
  })
  const answers = await Promise.all(paths.map((path) => server.call('GET', path)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(answers.map(({ body }) => body.data.id)).size).toBe(1)
  const { body } = await server.call('GET', `${API}/channels`)
  expect(body.data.channels).toHaveLength(1)
  expect(server.lines.filter(({ msg }) => msg === 'channel created')).toHaveLength(1)
})

describe('a message server', () => {
  it('is deleted with its channels, except the default one', async () => {
    await using server = await startRest()
    const { body } = await server.call('POST', `${API}/servers`, { name: 'Other', sourceType: 'x' })
    const { id } = body.data.server
    const channelId = await createRoom(server, { message_server_id: id })
    expect((await server.call('DELETE', `${API}/message-servers/${id}`)).status).toBe(204)
    const details = await server.call('GET', `${API}/channels/${channelId}/details`)
    expect(details.status).toBe(404)
    const again = await server.call('DELETE', `${API}/message-servers/${id}`)
    expect(again.body).toMatchObject({ code: 'SERVER_NOT_FOUND' })
    const safe = await server.call('DELETE', `${API}/message-servers/${DEFAULT_SERVER_ID}`)
    expect(safe.status).toBe(409)
    expect(safe.body).toMatchObject({ success: false, code: 'SERVER_PROTECTED' })
  })

  it.each([
    [{ sourceId: 'x'.repeat(257) }, /^sourceId: .*256/],
    [{ sourceType: 'x'.repeat(129) }, /^sourceType: .*128/],
    [{ sourceType: undefined }, /^Missing required fields: name, sourceType$/],
  ])('is not made from %j, and the answer says why', async (fields, words) => {
    await using server = await startRest()
    const base = { name: 'Other', sourceType: 'test' }
    const { status, body } = await server.call('POST', `${API}/servers`, { ...base, ...fields })
    expect(status).toBe(400)
    expect(body.error).toMatch(words)
  })

  it('knows its agents, and they their servers', async () => {
    await using server = await startRest()
    const path = `${API}/message-servers/${DEFAULT_SERVER_ID}/agents`
    await server.call('POST', path, { agentId: 'helper' })
    const again = await server.call('POST', path, { agentId: 'helper' })
    expect(again.status).toBe(201)
    expect((await server.call('GET', path)).body.data.agents).toEqual(['helper'])
    const servers = await server.call('GET', `${API}/agents/helper/message-servers`)
    expect(servers.body.data).toEqual({ agentId: 'helper', messageServers: [DEFAULT_SERVER_ID] })
    const details = await createRoom(server, { participantCentralUserIds: ['helper', 'alice'] })
    expect((await server.log.channel(details))?.participants).toEqual([
      { entityId: 'helper', isAgent: true },
      { entityId: 'alice', isAgent: false },
    ])
    expect((await server.call('DELETE', `${path}/helper`)).status).toBe(200)
    expect((await server.call('GET', path)).body.data.agents).toEqual([])
  })
})
