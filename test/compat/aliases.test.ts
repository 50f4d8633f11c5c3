import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { asPayload } from './support/client.ts'
import { Clients } from './support/clients.ts'
import { rest } from './support/rest.ts'
import { JOIN_NEEDS, ONE, SEND_NEEDS, SERVER, TWO } from './support/words.ts'

const JOINS = ['1', 1, 'room_joining', 'ROOM_JOINING', 'join'] as const
const SENDS = ['2', 2, 'send_message', 'SEND_MESSAGE'] as const
const LEAVES = ['leave', 'room_leaving', 'ROOM_LEAVING'] as const
const CHANNEL_NAMES = ['channelId', 'roomId'] as const
const SERVER_NAMES = ['serverId', 'messageServerId'] as const
/** As an event of its own, and as the type of the generic `message`. */
const WAYS = ['event', 'generic'] as const

/** Every name for one thing, in every way of saying it. */
const named = <Name>(names: readonly Name[]) =>
  WAYS.flatMap((way) => names.map((name) => ({ way, name, kind: typeof name })))

function packet(
  way: (typeof WAYS)[number],
  name: string | number,
  payload: object,
): [event: string | number, payload: object] {
  return way === 'event' ? [name, payload] : ['message', { type: name, payload }]
}

describe('every name for everything', () => {
  let server: TestServer
  let made = 0
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2' })
  })
  afterAll(() => server[Symbol.asyncDispose]())
  const newChannel = (): string => {
    made += 1
    return `alias-${made}`
  }

  it.each(named(JOINS))('$way $name ($kind) joins', async ({ way, name }) => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const channelId = newChannel()
    one.emit(...packet(way, name, { channelId }))
    const joined = await one.saw('channel_joined')
    expect(joined).toMatchObject({ channelId, roomId: channelId })
    expect(await one.saw('room_joined')).toEqual(joined)
    await two.send(channelId, 'to whoever joined')
    await one.saw('messageBroadcast', { channelId, text: 'to whoever joined' })
  })

  it.each(named(SENDS))('$way $name ($kind) sends', async ({ way, name }) => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const channelId = newChannel()
    await two.join(channelId)
    one.emit(...packet(way, name, { channelId, message: 'said', messageId: 'my-id' }))
    await one.saw('messageAck', { channelId, clientMessageId: 'my-id' })
    await two.saw('messageBroadcast', { channelId, senderId: ONE, text: 'said' })
  })

  it.each(named(LEAVES))('$way $name leaves, and delivery ends', async ({ way, name }) => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const beside = await clients.connectWhere((gateway) => gateway === one.gateway)
    const channelId = newChannel()
    for (const client of [one, beside]) await client.join(channelId)
    one.emit(...packet(way, name, { channelId }))
    expect(await one.saw('channel_left')).toMatchObject({ channelId, roomId: channelId })
    await two.send(channelId, 'after the leave')
    // Its neighbour on the same gateway got it: it would have had it by now.
    await beside.saw('messageBroadcast', { text: 'after the leave' })
    await one.roundTrip()
    expect(one.all('messageBroadcast')).toEqual([])
  })

  it.each(named(['typing_start', 'typing_stop']))('$way $name is relayed', async (alias) => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const channelId = newChannel()
    for (const client of [one, two]) await client.join(channelId)
    const isTyping = alias.name === 'typing_start'
    if (!isTyping) one.emit('typing_start', { channelId })
    one.emit(...packet(alias.way, alias.name, { roomId: channelId }))
    expect(await two.saw('typing', { isTyping })).toEqual({
      channelId,
      roomId: channelId,
      entityId: ONE,
      isTyping,
      ttlMs: expect.any(Number),
    })
  })

  it.each(WAYS)('the log events work as %s', async (way) => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    client.emit(...packet(way, 'subscribe_logs', {}))
    await client.saw('log_subscription_confirmed', { subscribed: true })
    client.emit(...packet(way, 'update_log_filters', { level: 'warn' }))
    const { filters } = await client.saw('log_filters_updated', { success: true })
    expect(filters).toEqual({ level: 'warn' })
    client.emit(...packet(way, 'unsubscribe_logs', {}))
    await client.saw('log_subscription_confirmed', { subscribed: false })
  })

  const fields = CHANNEL_NAMES.flatMap((channel) =>
    [...SERVER_NAMES, undefined].map((owner) => ({ channel, owner })),
  )
  it.each(fields)('a channel is $channel and its server $owner', async ({ channel, owner }) => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    const channelId = newChannel()
    const where = { [channel]: channelId, ...(owner === undefined ? {} : { [owner]: SERVER }) }
    expect(await client.request('join', where)).toMatchObject({ channelId, roomId: channelId })
    const ack = await client.request('send_message', { ...where, message: 'hi' })
    expect(ack).toMatchObject({ channelId, roomId: channelId })
    expect(await client.saw('messageBroadcast')).toMatchObject({
      channelId,
      roomId: channelId,
      serverId: SERVER,
      messageServerId: SERVER,
    })
    expect(await client.saw('messageComplete')).toMatchObject({ channelId, serverId: SERVER })
    expect(await client.request('leave', { [channel]: channelId })).toMatchObject({ channelId })
  })

  it.each(SERVER_NAMES)('a message makes its channel on the server that %s names', async (name) => {
    const { data } = await rest(server.url, 'POST /api/messaging/message-servers', {
      name: `by ${name}`,
      sourceType: 'test',
    })
    const { id } = asPayload(data.server)
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    const channelId = newChannel()
    await client.send(channelId, 'here', { [name]: id })
    expect(await client.saw('messageBroadcast')).toMatchObject({
      serverId: id,
      messageServerId: id,
    })
    const details = await rest(server.url, `GET /api/messaging/channels/${channelId}/details`)
    expect(details.data.messageServerId).toBe(id)
  })

  it('channelId wins over roomId, and empty or null ids count as none', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    const both = await client.request('join', { channelId: 'first', roomId: 'second' })
    expect(both.channelId).toBe('first')
    const room = await client.request('join', { channelId: '', roomId: 'second' })
    expect(room.channelId).toBe('second')
    const none = await client.request('join', { channelId: null, roomId: '' })
    expect(none.error).toBe(JOIN_NEEDS)
  })

  it('UUIDs are one id in whatever case they are written', async () => {
    await using clients = new Clients(server.url)
    const [one, two] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const channelId = 'abcdefab-cdef-4abc-8def-abcdefabcdef'
    await two.join(channelId.toUpperCase())
    await one.send(channelId, 'lower to upper')
    const message = await two.saw('messageBroadcast', { text: 'lower to upper' })
    expect(message.channelId).toBe(channelId)
  })

  it.each([
    ['join', JOIN_NEEDS],
    ['send_message', SEND_NEEDS],
  ])('%s without a payload says what it needs', async (event, sentence) => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    for (const args of [[], [null], ['text'], [[]], [{}]]) {
      const seen = client.all('messageError').length
      client.emit(event, ...args)
      const errors = await client.sawMany('messageError', seen + 1)
      expect(errors.at(-1)?.error).toBe(sentence)
    }
  })
})
