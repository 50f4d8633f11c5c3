import { describe, expect, it } from 'vitest'
import { as, createRoom, idsOf, setScene, startGuarded } from './support/access-world.ts'

describe('who takes part', () => {
  const THIRD = { status: 403, body: { success: false, code: 'ACCESS_DENIED' } }

  it('in a DM are two, and no user or agent makes it three', async () => {
    await using server = await startGuarded()
    const alice = await as(server, 'alice')
    const dm = '/dm-channel?currentUserId=alice&targetUserId=bob'
    const id: string = (await alice('GET', dm)).body.data.id
    const path = `/channels/${id}`
    const all = [
      await alice('POST', `${path}/participants`, { entityIds: ['bob', 'eve'] }),
      await alice('POST', `${path}/agents`, { agentId: 'eve' }),
      await alice('PATCH', path, { participantCentralUserIds: ['alice', 'eve'] }),
      await alice('PATCH', path, { participantCentralUserIds: ['alice', 'bob', 'eve'] }),
      await alice('POST', '/channels', {
        name: 'DM',
        type: 'DM',
        participantCentralUserIds: ['bob', 'eve'],
      }),
      await alice('POST', '/channels', {
        name: 'Me',
        type: 'SELF',
        participantCentralUserIds: ['eve'],
      }),
    ]
    for (const answer of all) expect(answer).toMatchObject(THIRD)
    expect(await idsOf(server, id)).toEqual(['alice', 'bob'])
    const root = await as(server, 'root', { role: 'admin' })
    expect((await root('POST', `${path}/participants`, { entityId: 'eve' })).status).toBe(201)
  })

  it('in a DM are not more when additions race', async () => {
    await using server = await startGuarded()
    const alice = await as(server, 'alice')
    const id = await createRoom(alice, { type: 'DM' })
    const names = Array.from({ length: 20 }, (_, index) => `user-${index}`)
    const path = `/channels/${id}`
    const answers = await Promise.all([
      ...names.map((entityId) => alice('POST', `${path}/participants`, { entityId })),
      alice('POST', `${path}/agents`, { agentId: 'an-agent' }),
      alice('PATCH', path, { participantCentralUserIds: ['alice', 'another'] }),
    ])
    expect(await idsOf(server, id)).toHaveLength(2)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 403]))
  })

  it('may always leave, and is then told nothing more', async () => {
    await using server = await startGuarded()
    const { channelId } = await setScene(server, 'private')
    const path = `/channels/${channelId}`
    const member = await as(server, 'member', { channels: {} })
    const left = await member('DELETE', `${path}/participants/member`)
    expect(left).toMatchObject({ status: 200, body: { data: { channelId, participants: [] } } })
    expect((await member('GET', `${path}/details`)).status).toBe(404)
    const helper = await as(server, 'helper', { role: 'agent' })
    expect((await helper('DELETE', `${path}/agents/helper`)).status).toBe(200)
    expect(await idsOf(server, channelId)).toEqual(['owner'])
  })

  it('opens a DM as one of the two', async () => {
    await using server = await startGuarded()
    const eve = await as(server, 'eve')
    const others = await eve('GET', '/dm-channel?currentUserId=alice&targetUserId=bob')
    expect(others).toMatchObject({ status: 403, body: { code: 'ACCESS_DENIED' } })
    const bob = await as(server, 'bob')
    const own = await bob('GET', '/dm-channel?currentUserId=alice&targetUserId=bob')
    expect(own.body.data).toMatchObject({ type: 'DM', visibility: 'private' })
    expect((await eve('GET', `/channels/${own.body.data.id}/details`)).status).toBe(404)
  })
})

describe('a token that lists channels', () => {
  it('narrows what its holder may do', async () => {
    await using server = await startGuarded()
    const { channelId } = await setScene(server, 'private')
    const path = `/channels/${channelId}/messages`
    const reading = await as(server, 'member', { channels: { '*': ['read'] } })
    expect((await reading('GET', path)).status).toBe(200)
    expect((await reading('POST', path, { content: 'hi' })).status).toBe(403)
    const sending = await as(server, 'member', { channels: { [channelId]: ['send'] } })
    expect((await sending('POST', path, { content: 'hi' })).status).toBe(201)
    expect((await sending('GET', path)).status).toBe(403)
  })

  it('makes its holder a manager of what it gives `admin` in, also without taking part', async () => {
    await using server = await startGuarded()
    const { channelId, messageId } = await setScene(server, 'private')
    const managing = await as(server, 'stranger', { channels: { [channelId]: ['admin'] } })
    const path = `/channels/${channelId}`
    expect((await managing('DELETE', `/messages/${messageId}`)).status).toBe(204)
    expect((await managing('POST', `${path}/messages`, { content: 'hi' })).status).toBe(201)
    expect((await managing('PATCH', path, { name: 'New' })).status).toBe(200)
    expect((await managing('POST', `${path}/participants`, { entityId: 'bob' })).status).toBe(201)
    expect((await managing('DELETE', path)).status).toBe(204)
    expect((await managing('POST', `${path}/messages`, { content: 'hi' })).status).toBe(404)
    const { channelId: other } = await setScene(server, 'private')
    expect((await managing('GET', `/channels/${other}/details`)).status).toBe(404)
  })
})
