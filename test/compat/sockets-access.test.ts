import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENT_EVENTS } from '../../src/protocol/wire.ts'
import type { Client, Payload } from './support/client.ts'
import { Clients } from './support/clients.ts'
import { API_KEY, startTokenServer } from './support/token-server.ts'
import type { TokenServer } from './support/token-server.ts'
import { SERVER } from './support/words.ts'

const JOIN_DENIED = {
  error: "Access denied: You don't have permission to join this channel",
  code: 'ACCESS_DENIED',
  retryable: false,
}
const SEND_DENIED = {
  ...JOIN_DENIED,
  error: "Access denied: You don't have permission to send to this channel",
}
const ABSENT = 'there-is-no-such-channel'
/** A position that a stranger may have learned from a channel of its own. */
const SINCE = { epoch: '', seq: 0 }

/** Every event in every spelling: by its name, by its number, and inside a generic message. */
const SPELLINGS = CLIENT_EVENTS.filter((event) => event !== 'message')
  .flatMap((event): readonly (string | number)[] =>
    /^\d+$/.test(event) ? [event, Number(event)] : [event],
  )
  .flatMap((name) => [
    { event: name, wrap: (payload: object) => payload },
    { event: 'message', wrap: (payload: object) => ({ type: name, payload }) },
  ])

describe('access on sockets', () => {
  let server: TokenServer
  beforeAll(async () => {
    server = await startTokenServer(2)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** The DM of A and B, with a message in it, both of them inside, on different gateways. */
  async function openDm(clients: Clients): Promise<{ channelId: string; a: Client; b: Client }> {
    const pair = 'currentUserId=alice&targetUserId=bob'
    const { data } = await server.done(`GET /api/messaging/dm-channel?${pair}`, { as: 'alice' })
    const channelId = String(data['id'])
    const [a, b] = await clients.pair(await server.as('alice'), await server.as('bob'))
    expect(await a.join(channelId)).toMatchObject({ channelId })
    expect(await b.join(channelId)).toMatchObject({ channelId })
    return { channelId, a, b }
  }

  it('those who take part in a DM talk, type and see each other, over all gateways', async () => {
    await using clients = new Clients(server.url)
    const { channelId, a, b } = await openDm(clients)
    expect(await a.send(channelId, 'hello')).toMatchObject({ status: expect.any(String) })
    expect(await b.saw('messageBroadcast', { channelId, text: 'hello' })).toMatchObject({
      senderId: 'alice',
    })
    await b.request('typing_start', { channelId })
    await a.saw('typing', { channelId, entityId: 'bob' })
    await a.saw('presence', { channelId, entityId: 'bob', isPresent: true })
  })

  it('a stranger is refused the same in every spelling, whether a channel is hidden or absent', async () => {
    await using clients = new Clients(server.url)
    const { channelId, a, b } = await openDm(clients)
    const { epoch } = await a.join(channelId)
    const [near, far] = await clients.pair(await server.as('carol'), await server.as('carol'))
    const membersSaw = [a, b].map(({ received }) => received.length)

    for (const stranger of [near, far]) {
      for (const { event, wrap } of SPELLINGS) {
        const attempt = async (target: string): Promise<unknown> => {
          const before = stranger.received.length
          const since = { ...SINCE, epoch }
          const payload = { channelId: target, message: 'let me in', messageId: 'm', since }
          const answer = await stranger.request(event, wrap(payload))
          await stranger.roundTrip()
          const came = stranger.received.slice(before)
          return JSON.parse(JSON.stringify({ answer, came }).replaceAll(target, 'it'))
        }
        expect(await attempt(channelId), String(event)).toEqual(await attempt(ABSENT))
      }
    }
    expect(await near.join(channelId)).toEqual(JOIN_DENIED)
    expect(await near.send(channelId, 'let me in')).toEqual(SEND_DENIED)
    await a.send(channelId, 'only for bob')
    await b.saw('messageBroadcast', { text: 'only for bob' })
    for (const stranger of [near, far]) {
      await stranger.roundTrip()
      expect(stranger.names('messageBroadcast', 'typing', 'presence', 'channel_joined')).toEqual([])
    }
    for (const [index, member] of [a, b].entries()) {
      const strange = member.received
        .slice(membersSaw[index])
        .filter(({ payload }) => JSON.stringify(payload).includes('carol'))
      expect(strange).toEqual([])
    }
  })

  it('a stranger who types while its join is being refused is not seen', async () => {
    await using clients = new Clients(server.url)
    const { channelId, a, b } = await openDm(clients)
    const stranger = await clients.connect(await server.as('carol'))
    for (let round = 0; round < 20; round += 1) {
      stranger.emit('join', { channelId })
      stranger.emit('typing_start', { channelId })
      stranger.emit('typing_stop', { channelId })
    }
    await stranger.sawMany('messageError', 60)
    await b.request('typing_start', { channelId })
    await a.saw('typing', { entityId: 'bob' })
    expect(a.all('typing', { entityId: 'carol' })).toEqual([])
    expect(stranger.names('typing', 'presence')).toEqual([])
  })

  it('a channel that a user did not make is not made by its sending or joining', async () => {
    await using clients = new Clients(server.url)
    const user = await clients.connect(await server.as('carol'))
    await user.send('made-by-sending', 'hello')
    await user.join('made-by-joining')
    for (const channelId of ['made-by-sending', 'made-by-joining']) {
      const { status } = await server.call(`GET /api/messaging/channels/${channelId}/details`)
      expect(status).toBe(404)
    }
  })

  it('a user speaks as itself only, wherever an entity can be named', async () => {
    await using clients = new Clients(server.url)
    const { channelId, a } = await openDm(clients)
    const asBob: Payload = { entityId: 'bob', senderId: 'bob' }
    const denied = { code: 'ACCESS_DENIED', error: 'You may speak as yourself only.' }
    expect(await a.send(channelId, 'I am Bob', asBob)).toMatchObject(denied)
    expect(await a.join(channelId, asBob)).toMatchObject(denied)
    expect(await a.request('typing_start', { channelId, ...asBob })).toMatchObject(denied)
    // Refused in the same words where the channel is not to be seen: it is about the name alone.
    expect(await a.join(ABSENT, asBob)).toMatchObject(denied)
    expect(await a.send(ABSENT, 'I am Bob', asBob)).toMatchObject(denied)
    const own = { entityId: 'alice', senderId: 'alice' }
    expect(await a.send(channelId, 'I am Alice', own)).toMatchObject({ seq: expect.any(Number) })
  })

  it('an agent sends for others where it may send, and nowhere else', async () => {
    await using clients = new Clients(server.url)
    const mine = await server.channel(['alice', 'helper'])
    const hidden = await server.channel(['alice'])
    const agent = await clients.connect(await server.as('helper', { role: 'agent' }))
    const a = await clients.connect(await server.as('alice'))
    await a.join(mine)
    expect(await agent.send(mine, 'for the bot', { senderId: 'bot' })).toMatchObject({ seq: 1 })
    expect(await a.saw('messageBroadcast', { channelId: mine })).toMatchObject({ senderId: 'bot' })
    expect(await agent.send(hidden, 'for the bot', { senderId: 'bot' })).toEqual(SEND_DENIED)
    expect(await agent.join(hidden, { entityId: 'alice' })).toEqual(JOIN_DENIED)
  })

  it('an agent that takes no part speaks for nobody else, and swallows nobody’s message', async () => {
    await using clients = new Clients(server.url)
    const open = await server.channel(['alice'], 'public')
    const agent = await clients.connect(await server.as('outsider', { role: 'agent' }))
    const a = await clients.connect(await server.as('alice'))
    await a.join(open)
    const denied = { code: 'ACCESS_DENIED' }
    const forged = { senderId: 'alice', messageId: '1' }
    expect(await agent.send(open, 'I am Alice', forged)).toMatchObject(denied)
    expect(await agent.join(open, { entityId: 'alice' })).toEqual(JOIN_DENIED)
    expect(await agent.join(open)).toMatchObject({ channelId: open })
    expect(await agent.send(open, 'myself')).toMatchObject({ seq: 1 })
    expect(await a.send(open, 'really me', { messageId: '1' })).toMatchObject({ seq: 2 })
    await agent.saw('messageBroadcast', { senderId: 'alice', text: 'really me' })
  })

  it('a token’s capabilities narrow what its holder may do, and admin lets it in', async () => {
    await using clients = new Clients(server.url)
    const own = await server.channel(['alice', 'carol'])
    const hidden = await server.channel(['alice'])
    const channels = { [own]: ['join'], [hidden]: ['admin'] }
    const narrowed = await clients.connect(await server.as('carol', { channels }))
    const { epoch } = await narrowed.join(own)
    expect(epoch).toEqual(expect.any(String))
    expect(await narrowed.join(own, { since: { epoch, seq: 0 } })).toEqual(JOIN_DENIED)
    expect(await narrowed.send(own, 'no')).toEqual(SEND_DENIED)
    expect(await narrowed.request('typing_start', { channelId: own })).toEqual(SEND_DENIED)
    // What was refused has taken nothing away: it is still in the channel.
    const a = await clients.connect(await server.as('alice'))
    await a.send(own, 'still there')
    await narrowed.saw('messageBroadcast', { text: 'still there' })

    expect(await narrowed.join(hidden)).toMatchObject({ channelId: hidden })
    expect(await narrowed.send(hidden, 'managed')).toMatchObject({ seq: 1 })
    const elsewhere = await server.channel(['alice', 'carol'])
    expect(await narrowed.join(elsewhere)).toEqual(JOIN_DENIED)
  })

  it('a public channel is everybody’s who has a token', async () => {
    await using clients = new Clients(server.url)
    const channelId = await server.channel(['alice'], 'public')
    const guest = await clients.connect(await server.as('carol'))
    const { epoch } = await guest.join(channelId)
    expect(await guest.send(channelId, 'hello')).toMatchObject({ seq: 1 })
    expect(await guest.join(channelId, { since: { epoch, seq: 0 } })).toMatchObject({
      recovered: true,
    })
    expect(guest.all('messageBroadcast', { seq: 1 })).toHaveLength(2)
  })

  it('a channel made anew under an old id shows nothing of the earlier one, to those who join', async () => {
    await using clients = new Clients(server.url)
    const id = 'made-anew'
    const make = (visibility: string) =>
      server.done('POST /api/messaging/channels', {
        body: {
          id,
          name: id,
          visibility,
          message_server_id: SERVER,
          participantCentralUserIds: [],
        },
      })
    await make('private')
    const entityIds = ['bob', 'informant']
    await server.done(`POST /api/messaging/channels/${id}/participants`, { body: { entityIds } })
    await server.done(`DELETE /api/messaging/channels/${id}`)
    await make('public')
    const stranger = await clients.connect(await server.as('mallory'))
    const { epoch, seq } = await stranger.join(id)
    expect(await stranger.send(id, 'hello')).toMatchObject({ seq: Number(seq) + 1 })
    const resumed = async (from: unknown) => stranger.join(id, { since: { epoch, seq: from } })
    expect(await resumed(0)).toMatchObject({ recovered: false })
    expect(await resumed(seq)).toMatchObject({ recovered: true })
    expect(stranger.names('channelUpdated', 'channelDeleted')).toEqual([])
    expect(JSON.stringify(stranger.received)).not.toContain('informant')
  })

  it('the log stream is for administrators and services', async () => {
    await using clients = new Clients(server.url)
    const narrowed = { role: 'admin', channels: { lobby: ['read'] } } as const
    for (const claims of [{ role: 'user' }, { role: 'agent' }, narrowed] as const) {
      const client = await clients.connect(await server.as('carol', claims))
      for (const event of ['subscribe_logs', 'unsubscribe_logs', 'update_log_filters']) {
        expect(await client.request(event, {})).toMatchObject({ code: 'ACCESS_DENIED' })
      }
      expect(client.names('log_stream', 'log_subscription_confirmed')).toEqual([])
    }
    const admin = await clients.connect(await server.as('root', { role: 'admin' }))
    const key = await clients.connect({ auth: { apiKey: API_KEY, entityId: 'service' } })
    for (const client of [admin, key]) {
      expect(await client.request('subscribe_logs')).toMatchObject({ subscribed: true })
    }
  })
})
