import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import { Clients } from './support/clients.ts'
import { history, rest } from './support/rest.ts'
import { ACK_STATUS, JOIN_NEEDS, ONE, SEND_NEEDS, TWO } from './support/words.ts'

describe('acknowledgements', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ PARLEY_GATEWAYS: '2' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  describe('callbacks', () => {
    const replies = [
      ['join', 'channel_joined', { channelId: 'cb' }],
      ['send_message', 'messageAck', { channelId: 'cb', message: 'x', messageId: 'cb-1' }],
      ['leave', 'channel_left', { channelId: 'cb' }],
      ['subscribe_logs', 'log_subscription_confirmed', undefined],
      ['update_log_filters', 'log_filters_updated', { level: 'fatal' }],
      ['unsubscribe_logs', 'log_subscription_confirmed', undefined],
    ] as const

    it('get the object of the reply event, for an event and for the generic message', async () => {
      await using clients = new Clients(server.url)
      const client = await clients.connect({ entityId: ONE })
      for (const [event, reply, payload] of replies) {
        const args = payload === undefined ? [] : [payload]
        const answer = await client.request(event, ...args)
        expect(answer, event).toEqual(client.all(reply).at(-1))
        const generic = await client.request('message', { type: event, payload: payload ?? {} })
        expect(generic, `generic ${event}`).toEqual(client.all(reply).at(-1))
      }
    })

    it('are called for typing, which has no reply event', async () => {
      await using clients = new Clients(server.url)
      const client = await clients.connect({ entityId: ONE })
      await client.join('cb-typing')
      for (const event of ['typing_start', 'typing_stop']) {
        const answer = await client.request(event, { channelId: 'cb-typing' })
        expect(answer, event).toMatchObject({
          channelId: 'cb-typing',
          roomId: 'cb-typing',
          entityId: ONE,
          isTyping: event === 'typing_start',
        })
      }
    })

    const refusals: readonly [string, unknown, unknown][] = [
      ['join', {}, JOIN_NEEDS],
      ['send_message', { channelId: 'cb' }, SEND_NEEDS],
      ['send_message', { channelId: 'cb', message: 7 }, expect.stringContaining('string')],
      ['join', { channelId: 'no spaces' }, expect.stringContaining('channelId')],
      ['leave', {}, expect.stringContaining('channelId')],
      ['typing_start', {}, expect.stringContaining('channelId')],
      ['typing_start', { channelId: 'never-joined' }, expect.any(String)],
      ['message', { type: 'dance', payload: {} }, expect.stringContaining('dance')],
      ['message', 'flat', expect.any(String)],
      ['dance', { anything: 1 }, expect.stringContaining('dance')],
      ['toString', {}, expect.stringContaining('toString')],
    ]
    it.each(refusals)('of %s %j get the refusal', async (event, payload, sentence) => {
      await using clients = new Clients(server.url)
      const client = await clients.connect({ entityId: ONE })
      const answer = await client.request(event, payload)
      expect(answer).toEqual({
        error: sentence,
        code: expect.stringMatching(/^[A-Z]+(?:_[A-Z]+)*$/),
        retryable: false,
      })
      expect(await client.saw('messageError')).toEqual(answer)
    })

    it('of refused filters say so in the shape of their reply', async () => {
      await using clients = new Clients(server.url)
      const client = await clients.connect({ entityId: ONE })
      const answer = await client.request('update_log_filters', { level: 'info' })
      expect(answer).toEqual({ success: false, error: 'Not subscribed to log stream' })
    })

    it('are called when the callback is all that the client gave', async () => {
      await using clients = new Clients(server.url)
      const client = await clients.connect({ entityId: ONE })
      expect(await client.request('join')).toMatchObject({ error: JOIN_NEEDS })
      expect(await client.request('dance')).toMatchObject({ retryable: false })
    })

    it('a refused send names its message', async () => {
      await using clients = new Clients(server.url)
      const client = await clients.connect({ entityId: ONE })
      const payload = { channelId: 'cb', message: { not: 'text' }, messageId: 'which-one' }
      const answers = [
        await client.request('send_message', payload),
        await client.request('message', { type: 2, payload }),
      ]
      for (const answer of answers) expect(answer.clientMessageId).toBe('which-one')
    })
  })

  describe('the order of what a sender gets', () => {
    const ORDER = ['messageBroadcast', 'messageAck', 'messageComplete'] as const

    it('in the channel: its own broadcast, the acknowledgement, then completion', async () => {
      await using clients = new Clients(server.url)
      const client = await clients.connect({ entityId: ONE })
      await client.join('ordered')
      for (const text of ['one', 'two', 'three']) {
        client.emit('2', { channelId: 'ordered', message: text, messageId: text })
        await client.saw('messageComplete', ({ messageId }) => {
          const [own] = client.all('messageBroadcast', { text })
          return own?.id === messageId
        })
      }
      expect(client.names(...ORDER)).toEqual([...ORDER, ...ORDER, ...ORDER])
      const owns = client.all('messageBroadcast')
      expect(owns.map(({ clientMessageId }) => clientMessageId)).toEqual(['one', 'two', 'three'])
    })

    it('not in the channel: its own broadcast and the acknowledgement too', async () => {
      await using clients = new Clients(server.url)
      const [client, other] = await clients.pair({ entityId: ONE }, { entityId: TWO })
      await other.join('from-outside')
      const ack = await client.send('from-outside', 'hello', { messageId: 'outside' })
      expect(ack).toMatchObject({ status: ACK_STATUS, clientMessageId: 'outside', seq: 1 })
      expect(client.names('messageBroadcast', 'messageAck')).toEqual([
        'messageBroadcast',
        'messageAck',
      ])
      const own = await client.saw('messageBroadcast')
      expect(own).toMatchObject({ id: ack.messageId, clientMessageId: 'outside', seq: 1 })
      // It is no member: what others say there does not reach it.
      await other.send('from-outside', 'unheard')
      await client.roundTrip()
      expect(client.all('messageBroadcast')).toHaveLength(1)
    })

    it('a second tab of the same entity gets the message without the client’s id', async () => {
      await using clients = new Clients(server.url)
      const [tab, far] = await clients.pair({ entityId: ONE }, { entityId: ONE })
      const near = await clients.connectWhere((gateway) => gateway === tab.gateway, {
        entityId: ONE,
      })
      for (const client of [tab, near, far]) await client.join('tabs')
      await tab.send('tabs', 'from one tab', { messageId: 'tab-1' })
      for (const client of [near, far]) {
        const message = await client.saw('messageBroadcast')
        expect(message).toMatchObject({ senderId: ONE, text: 'from one tab' })
        expect(message).not.toHaveProperty('clientMessageId')
        await client.roundTrip()
        expect(client.all('messageAck')).toEqual([])
      }
    })

    it('joins, leaves and sends without waiting: each send is seen and acknowledged once', async () => {
      await using clients = new Clients(server.url)
      const client = await clients.connect({ entityId: ONE })
      const ways = [
        'join send',
        'send join',
        'join send leave',
        'join join send',
        'join leave send',
      ]
      const names = ways.flatMap((way) =>
        Array.from({ length: 20 }, (_, index) => ({
          channelId: `hasty-${way.replaceAll(' ', '-')}-${index}`,
          way,
        })),
      )
      for (const { channelId, way } of names) {
        for (const event of way.split(' ')) {
          const content = event === 'send' ? { message: 'hasty', messageId: channelId } : {}
          client.emit(event === 'send' ? 'send_message' : event, { channelId, ...content })
        }
      }
      await client.sawMany('messageAck', names.length)
      await client.roundTrip()
      for (const { channelId } of names) {
        const own = client.all('messageBroadcast', { channelId })
        const acks = client.all('messageAck', { channelId })
        expect([own.length, acks.length], channelId).toEqual([1, 1])
        expect(own[0]).toMatchObject({ clientMessageId: channelId, id: acks[0]?.messageId })
      }
    })

    it('500 rapid sends of one sender stay in order, for it, for others and in the history', async () => {
      await using clients = new Clients(server.url)
      const [sender, other] = await clients.pair({ entityId: ONE }, { entityId: TWO })
      await Promise.all([sender.join('rapid'), other.join('rapid')])
      const texts = Array.from({ length: 500 }, (_, index) => String(index))
      for (const message of texts) {
        sender.emit('send_message', { channelId: 'rapid', message, messageId: `r-${message}` })
      }
      const seen = await other.sawMany('messageBroadcast', 500)
      expect(seen.map(({ text }) => text)).toEqual(texts)
      expect(seen.map(({ seq }) => seq)).toEqual(texts.map((text) => Number(text) + 1))
      const acks = await sender.sawMany('messageAck', 500)
      expect(acks.map(({ clientMessageId }) => clientMessageId)).toEqual(
        texts.map((text) => `r-${text}`),
      )
      const rows = await history(server.url, 'rapid')
      expect(rows.map(({ content }) => content)).toEqual(texts)
    })
  })

  describe('a repeated messageId', () => {
    it('gets the first acknowledgement again, and nothing else happens', async () => {
      await using clients = new Clients(server.url)
      const [sender, other] = await clients.pair({ entityId: ONE }, { entityId: TWO })
      await Promise.all([sender.join('repeated'), other.join('repeated')])
      const first = await sender.send('repeated', 'once', { messageId: 'same' })
      const again = await sender.send('repeated', 'once', { messageId: 'same' })
      const different = await sender.send('repeated', 'other words', { messageId: 'same' })
      expect([again, different]).toEqual([first, first])
      expect(await sender.sawMany('messageAck', 3)).toEqual([first, first, first])
      await sender.send('repeated', 'last', { messageId: 'last' })
      await other.saw('messageBroadcast', { text: 'last' })
      for (const client of [sender, other]) {
        expect(client.all('messageBroadcast').map(({ text }) => text)).toEqual(['once', 'last'])
        expect(client.all('messageComplete')).toHaveLength(2)
      }
      const rows = await history(server.url, 'repeated')
      expect(rows.map(({ content }) => content)).toEqual(['once', 'last'])
    })

    it('is the same message from another gateway, also in a race', async () => {
      await using clients = new Clients(server.url)
      const pair = await clients.pair({ entityId: ONE }, { entityId: ONE })
      const acks = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (pair[index % 2] ?? pair[0]).send('raced', 'once', { messageId: 'raced' }),
        ),
      )
      expect(new Set(acks.map(({ messageId }) => messageId)).size).toBe(1)
      expect(await history(server.url, 'raced')).toHaveLength(1)
    })

    it('is acknowledged the same after the message was deleted', async () => {
      await using clients = new Clients(server.url)
      const sender = await clients.connect({ entityId: ONE })
      const first = await sender.send('erased', 'soon gone', { messageId: 'gone' })
      const path = `/api/messaging/channels/erased/messages/${String(first.messageId)}`
      expect((await rest(server.url, `DELETE ${path}`)).status).toBe(204)
      const again = await sender.send('erased', 'soon gone', { messageId: 'gone' })
      expect(again).toEqual(first)
      expect(await history(server.url, 'erased')).toEqual([])
    })

    it('is another message from another sender or in another channel', async () => {
      await using clients = new Clients(server.url)
      const [one, two] = await clients.pair({ entityId: ONE }, { entityId: TWO })
      const acks = [
        await one.send('shared-id', 'a', { messageId: 'id' }),
        await two.send('shared-id', 'b', { messageId: 'id' }),
        await one.send('shared-id-2', 'c', { messageId: 'id' }),
      ]
      expect(new Set(acks.map(({ messageId }) => messageId)).size).toBe(3)
    })
  })

  it('a connection may be in as many channels as the setting says, and not in one more', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    const names = Array.from({ length: 1_000 }, (_, index) => `many-${index}`)
    const answers = await Promise.all(names.map((name) => client.join(name)))
    expect(answers.filter(({ error }) => error !== undefined)).toEqual([])
    expect(await client.join('one-more')).toMatchObject({ code: 'TOO_MANY_CHANNELS' })
    await client.request('leave', { channelId: 'many-0' })
    expect(await client.join('one-more')).toMatchObject({ channelId: 'one-more' })
  })
})
