import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import { as, bearer, createRoom, idsOf, setScene, startGuarded } from './support/access-world.ts'

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
      await alice('PATCH', path, { participantCentralUserIds: ['alice'] }),
      await alice('DELETE', `${path}/participants/bob`),
      await alice('DELETE', `${path}/agents/bob`),
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

  it('in a conversation are who was there when it was made, and nobody comes for whom has left', async () => {
    await using server = await startGuarded()
    const [alice, bob] = [await as(server, 'alice'), await as(server, 'bob')]
    for (const type of ['DM', 'VOICE_DM']) {
      const id = await createRoom(alice, { type, participantCentralUserIds: ['bob'] })
      const path = `/channels/${id}`
      expect((await bob('POST', `${path}/messages`, { content: 'for Alice' })).status).toBe(201)
      expect(await alice('DELETE', `${path}/participants/bob`)).toMatchObject(THIRD)
      expect((await bob('DELETE', `${path}/participants/bob`)).status).toBe(200)
      const all = [
        await alice('POST', `${path}/participants`, { entityId: 'carol' }),
        await alice('POST', `${path}/agents`, { agentId: 'carol' }),
        await alice('PATCH', path, { participantCentralUserIds: ['alice', 'carol'] }),
      ]
      for (const answer of all) expect(answer).toMatchObject(THIRD)
      expect(await idsOf(server, id)).toEqual(['alice'])
      const renamed = { name: 'N', participantCentralUserIds: ['alice'] }
      expect((await alice('PATCH', path, renamed)).status).toBe(200)
    }
    const id = await createRoom(alice, { type: 'SELF' })
    const joined = await alice('POST', `/channels/${id}/participants`, { entityId: 'carol' })
    expect(joined).toMatchObject(THIRD)
    const root = await as(server, 'root', { role: 'admin' })
    const exchange = { participantCentralUserIds: ['carol'] }
    expect((await root('PATCH', `/channels/${id}`, exchange)).status).toBe(200)
  })

  it('may always leave, and is then told nothing more', async () => {
    await using server = await startGuarded()
    const { channelId } = await setScene(server, 'private')
    const path = `/channels/${channelId}`
    const nowhere = await as(server, 'member', { channels: {} })
    expect(await nowhere('DELETE', `${path}/participants/member`)).toMatchObject(THIRD)
    const member = await as(server, 'member', { channels: { [channelId]: ['send'] } })
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

  it('shows its holder no other channels in lists, and makes it none', async () => {
    await using server = await startGuarded()
    const scenes = [await setScene(server, 'private'), await setScene(server, 'public')] as const
    const [{ channelId: named }] = scenes
    await setScene(server, 'private')
    const lists = ['/channels', '/central-servers', '/message-servers', '/servers'].map((path) =>
      path === '/channels' ? path : `${path}/${DEFAULT_SERVER_ID}/channels`,
    )
    for (const role of ['user', 'agent', 'admin']) {
      for (const [allow, expected] of [
        [['read'], [named]],
        [['join'], [named]],
        [['send'], []],
      ] as const) {
        const call = await as(server, 'member', { role, channels: { [named]: allow } })
        for (const path of lists) {
          const { channels } = (await call('GET', path)).body.data
          expect(channels.map(({ id }: { id: string }) => id)).toEqual(expected)
        }
        const all = [
          await call('POST', '/channels', { name: 'Room', participantCentralUserIds: [] }),
          await call('GET', '/dm-channel?currentUserId=member&targetUserId=zed'),
        ]
        const denied = { status: 403, body: { code: 'ACCESS_DENIED' } }
        for (const answer of all) expect(answer).toMatchObject(denied)
      }
    }
    expect(await server.log.channels()).toHaveLength(3)
    const everywhere = await as(server, 'member', { channels: { '*': ['admin'] } })
    expect(await createRoom(everywhere)).toEqual(expect.any(String))
    const dm = '/dm-channel?currentUserId=member&targetUserId=zed'
    expect((await everywhere('GET', dm)).status).toBe(200)
  })

  it('takes administration from an administrator, unless it gives `admin` everywhere', async () => {
    await using server = await startGuarded()
    const admin = { role: 'admin' }
    const narrowed = await bearer('root', { ...admin, channels: { unused: ['read', 'send'] } })
    const whole = await bearer('root', { ...admin, channels: { '*': ['admin'] } })
    for (const [method, path, body] of [
      ['GET', '/api/server/logs', undefined],
      ['GET', '/api/server/status', undefined],
      ['POST', '/api/messaging/message-servers', { name: 'Server', sourceType: 'test' }],
    ] as const) {
      expect((await server.call(method, path, body, narrowed)).status).toBe(403)
      expect((await server.call(method, path, body, whole)).status).toBeLessThan(300)
    }
    const stop = await server.call('POST', '/api/server/stop', undefined, narrowed)
    const path = `/api/messaging/message-servers/${DEFAULT_SERVER_ID}`
    const removed = await server.call('DELETE', path, undefined, narrowed)
    expect([stop.status, removed.status]).toEqual([403, 403])
    const body = { content: 'hi', author_id: 'root' }
    const unused = '/api/messaging/channels/unused/messages'
    expect((await server.call('POST', unused, body, narrowed)).status).toBe(404)
    expect((await server.call('POST', unused, body, whole)).status).toBe(201)
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

it('where a message server comes from, and what is noted about it, is for administrators', async () => {
  await using server = await startGuarded()
  const metadata = { webhook: 'https://example.org/secret' }
  const row = { name: 'Guild', sourceType: 'discord', sourceId: '118', metadata }
  const root = await as(server, 'root', { role: 'admin' })
  expect((await root('POST', '/message-servers', row)).body.data.server).toMatchObject(row)
  const narrowed = await as(server, 'root', { role: 'admin', channels: { a: ['read'] } })
  const callers = [await as(server, 'user'), await as(server, 'bot', { role: 'agent' }), narrowed]
  for (const [path, key] of [
    ['/message-servers', 'messageServers'],
    ['/central-servers', 'servers'],
    ['/servers', 'servers'],
  ] as const) {
    expect((await root('GET', path)).body.data[key].at(-1)).toMatchObject(row)
    for (const call of callers) {
      const shown = (await call('GET', path)).body.data[key].at(-1)
      expect(shown).toMatchObject({ name: 'Guild', sourceType: 'discord' })
      expect(shown).not.toHaveProperty('metadata')
      expect(shown).not.toHaveProperty('sourceId')
    }
  }
})
