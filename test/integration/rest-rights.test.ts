import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { newId } from '../../src/util/new-id.ts'
import {
  API_KEY,
  as,
  asService,
  createRoom,
  idsOf,
  setScene,
  startGuarded,
} from './support/access-world.ts'
import { startRest } from './support/rest-server.ts'

describe('a channel that a user makes', () => {
  it('is theirs, and they take part first', async () => {
    await using server = await startGuarded()
    const alice = await as(server, 'alice')
    const room = { name: 'Room', participantCentralUserIds: ['bob', 'alice'] }
    const { body } = await alice('POST', '/channels', room)
    expect(body.data).toMatchObject({
      ownerId: 'alice',
      visibility: 'public',
      metadata: { participantCentralUserIds: ['alice', 'bob'] },
    })
  })

  it('is nobody’s when a service or an administrator makes it', async () => {
    await using server = await startGuarded()
    const root = await as(server, 'root', { role: 'admin' })
    for (const call of [root, asService(server)]) {
      const id = await createRoom(call, { id: newId(), participantCentralUserIds: ['bob'] })
      expect((await call('GET', `/channels/${id}/details`)).body.data.ownerId).toBeUndefined()
      expect(await idsOf(server, id)).toEqual(['bob'])
    }
  })

  it.each([
    ['GROUP', 'public'],
    ['FEED', 'public'],
    ['DM', 'private'],
    ['SELF', 'private'],
    ['VOICE_DM', 'private'],
    ['API', 'private'],
  ])('of type %s is %s when nothing is said, and what is said otherwise', async (type, usual) => {
    await using server = await startGuarded()
    const alice = await as(server, 'alice')
    const id = await createRoom(alice, { type })
    const details = await alice('GET', `/channels/${id}/details`)
    expect(details.body.data.visibility).toBe(usual)
    const hidden = await createRoom(alice, { type, visibility: 'private' })
    const row = await alice('GET', `/channels/${hidden}/details`)
    expect(row.body.data.visibility).toBe('private')
  })

  it.each(['DM', 'SELF', 'VOICE_DM'])('of type %s is never public', async (type) => {
    await using server = await startGuarded()
    const alice = await as(server, 'alice')
    const room = { name: 'Room', type, participantCentralUserIds: [], visibility: 'public' }
    const made = await alice('POST', '/channels', room)
    expect(made.status).toBe(400)
    expect(made.body).toMatchObject({ success: false, code: 'INVALID_PAYLOAD' })
    const id = await createRoom(alice, { type })
    const changed = await alice('PATCH', `/channels/${id}`, { visibility: 'public' })
    expect(changed.status).toBe(400)
    expect((await server.log.channel(id))?.visibility).toBe('private')
    const byKey = await asService(server)('POST', '/channels', room)
    expect(byKey.status).toBe(400)
  })

  it('is shown and hidden by its owner', async () => {
    await using server = await startGuarded()
    const [alice, bob] = [await as(server, 'alice'), await as(server, 'bob')]
    const id = await createRoom(alice)
    const path = `/channels/${id}/details`
    expect((await bob('GET', path)).status).toBe(200)
    const { body } = await alice('PATCH', `/channels/${id}`, { visibility: 'private' })
    expect(body.data.visibility).toBe('private')
    expect((await bob('GET', path)).status).toBe(404)
    expect((await alice('GET', path)).status).toBe(200)
  })

  it('does not come to be by posting to an id that nobody uses', async () => {
    await using server = await startGuarded()
    const alice = await as(server, 'alice')
    const agent = await as(server, 'agent', { role: 'agent' })
    for (const call of [alice, agent]) {
      expect((await call('POST', '/channels/unused/messages', { content: 'hi' })).status).toBe(404)
    }
    expect(await server.log.channels()).toEqual([])
    const body = { content: 'hi', author_id: 'alice' }
    const made = await asService(server)('POST', '/channels/unused/messages', body)
    expect(made.status).toBe(201)
  })
})

describe('an author', () => {
  it('is the user whose token it is, and nobody else', async () => {
    await using server = await startGuarded()
    const { channelId } = await setScene(server, 'public')
    const path = `/channels/${channelId}/messages`
    const alice = await as(server, 'Alice')
    const unsigned = await alice('POST', path, { content: 'hi' })
    expect(unsigned.body.data.author_id).toBe('Alice')
    const own = await alice('POST', path, { content: 'hi', author_id: 'Alice' })
    expect(own.status).toBe(201)
    const other = await alice('POST', path, { content: 'hi', author_id: 'bob' })
    expect(other.status).toBe(403)
    expect(other.body).toMatchObject({ success: false, code: 'ACCESS_DENIED' })
    const { messages } = await server.log.messages({ channelId, limit: 10 })
    expect(messages.map(({ authorId }) => authorId)).toEqual(['Alice', 'Alice', 'helper', 'member'])
  })

  it('is whom an agent that takes part, an administrator or a service names, or itself', async () => {
    await using server = await startGuarded()
    const { channelId } = await setScene(server, 'public')
    const path = `/channels/${channelId}/messages`
    const callers = [['helper', 'agent'] as const, ['root', 'admin'] as const]
    for (const [sub, role] of callers) {
      const call = await as(server, sub, { role })
      const named = await call('POST', path, { content: 'hi', author_id: 'bob' })
      expect(named.body.data.author_id).toBe('bob')
      expect((await call('POST', path, { content: 'hi' })).body.data.author_id).toBe(sub)
    }
    const nobody = await asService(server)('POST', path, { content: 'hi' })
    expect(nobody.status).toBe(400)
    expect(nobody.body.error).toMatch(/^Missing required fields: .*author_id/)
  })

  it('is itself where an agent takes no part, which cannot swallow the message of another', async () => {
    await using server = await startGuarded()
    const { channelId } = await setScene(server, 'public')
    const outsider = await as(server, 'outsider', { role: 'agent' })
    const said = { content: 'I am a member', author_id: 'member', messageId: '1' }
    const body = { channel_id: channelId, ...said, source_type: 'agent_response', raw_message: {} }
    const path = `/channels/${channelId}/messages`
    const denied = { status: 403, body: { success: false, code: 'ACCESS_DENIED' } }
    for (const route of [path, '/submit', '/action', '/ingest-external']) {
      expect(await outsider('POST', route, body)).toMatchObject(denied)
    }
    expect((await outsider('POST', path, { content: 'hi' })).status).toBe(201)
    const member = await as(server, 'member')
    const own = await member('POST', path, { content: 'really me', messageId: '1' })
    expect(own).toMatchObject({ status: 201, body: { data: { content: 'really me' } } })
  })

  it('edits and deletes what is their own', async () => {
    await using server = await startGuarded()
    const { channelId, messageId, actionId } = await setScene(server, 'private')
    const [member, owner] = [await as(server, 'member'), await as(server, 'owner')]
    const helper = await as(server, 'helper', { role: 'agent' })
    expect((await member('PATCH', `/messages/${messageId}`, { content: 'x' })).status).toBe(200)
    const path = `/channels/${channelId}/messages`
    expect((await member('DELETE', `${path}/${actionId}`)).status).toBe(403)
    expect((await owner('PATCH', `${path}/${messageId}`, { content: 'y' })).status).toBe(403)
    expect((await helper('PATCH', `/action/${actionId}`, { content: 'done' })).status).toBe(200)
    expect((await helper('PATCH', `/action/${messageId}`, { content: 'y' })).status).toBe(403)
    expect((await owner('DELETE', `${path}/${actionId}`)).status).toBe(204)
    expect((await member('DELETE', `/messages/${messageId}`)).status).toBe(204)
    expect((await member('GET', `/messages/${messageId}`)).status).toBe(404)
  })

  it('that is an agent repeats itself under its own ids, not under those of others', async () => {
    await using server = await startGuarded()
    const { channelId } = await setScene(server, 'public')
    const agent = await as(server, 'agent', { role: 'agent' })
    const messageId = newId()
    const submit = { channel_id: channelId, source_type: 'agent_response', raw_message: {} }
    const first = await agent('POST', '/submit', { ...submit, content: 'hi', messageId })
    const again = await agent('POST', '/submit', { ...submit, content: 'hi', messageId })
    expect(first.status).toBe(201)
    expect(again.body).toEqual(first.body)
    const service = { ...submit, author_id: 'agent', content: 'hi', messageId }
    const byKey = await asService(server)('POST', '/submit', service)
    expect(byKey.body.data.id).toBe(messageId)
  })
})

it('completion is said by agents in channels that they may send to', async () => {
  await using server = await startGuarded()
  const { channelId } = await setScene(server, 'private')
  await server.log.follow(channelId)
  const body = { channel_id: channelId, server_id: DEFAULT_SERVER_ID }
  const outsider = await as(server, 'outsider', { role: 'agent' })
  expect((await outsider('POST', '/complete', body)).status).toBe(404)
  expect(server.frames).toEqual([])
  const helper = await as(server, 'helper', { role: 'agent' })
  expect((await helper('POST', '/complete', body)).status).toBe(200)
  expect(server.frames).toMatchObject([{ kind: 'complete', channelId }])
})

it('whether tokens are wanted is said before there is one', async () => {
  await using server = await startGuarded()
  const { body } = await server.call('GET', '/api/system/config')
  expect(body.data).toEqual({ requiresAuth: true })
  await using keyed = await startRest({ settings: { apiKey: API_KEY } })
  expect((await keyed.call('GET', '/api/system/config')).status).toBe(401)
  const known = await keyed.call('GET', '/api/system/config', undefined, { 'x-api-key': API_KEY })
  expect(known.body.data).toEqual({ requiresAuth: false })
})
