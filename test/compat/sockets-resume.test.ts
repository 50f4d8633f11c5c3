import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../cluster/support/server.ts'
import type { TestServer } from '../cluster/support/server.ts'
import type { Client, Payload, Received } from './support/client.ts'
import { Clients } from './support/clients.ts'
import { history, rest } from './support/rest.ts'
import { ONE, SERVER, TWO } from './support/words.ts'

/** Events that show an entry of the log. */
const ENTRIES = new Set([
  'messageBroadcast',
  'messageDeleted',
  'channelCleared',
  'channelUpdated',
  'channelDeleted',
])

const MAX_RESUME = 40

const entriesOf = ({ received }: Client): Received[] =>
  received.filter(({ event }) => ENTRIES.has(event))
const seqsOf = (client: Client): unknown[] => entriesOf(client).map(({ payload }) => payload.seq)
const epochOf = async (client: Client, channelId: string): Promise<unknown> =>
  (await client.join(channelId)).epoch
/** A client on another gateway than this one. */
const elsewhere = (clients: Clients, than: Client, entityId: string): Promise<Client> =>
  clients.connectWhere((gateway) => gateway !== than.gateway, { entityId })

/** Sends texts one after the other; resolves to their ids in order. */
async function fill(client: Client, channelId: string, texts: readonly string[]) {
  const acks: Payload[] = []
  for (const text of texts) acks.push(await client.send(channelId, text, { messageId: text }))
  return acks.map(({ messageId }) => String(messageId))
}

describe('resume by since', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({
      PARLEY_GATEWAYS: '2',
      PARLEY_MAX_RESUME_ENTRIES: String(MAX_RESUME),
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const call = async (line: string, body?: unknown): Promise<void> => {
    const { status, body: answer } = await rest(server.url, line, body)
    expect(status, `${line}: ${JSON.stringify(answer)}`).toBeLessThan(300)
  }

  it('brings exactly what was missed, in order: own messages, edits, deletes, updates', async () => {
    await using clients = new Clients(server.url)
    const channelId = 'missed'
    const path = `/api/messaging/channels/${channelId}`
    const alice = await clients.connect({ entityId: ONE })
    const { epoch } = await alice.join(channelId)
    await fill(alice, channelId, ['seen'])
    alice.socket.disconnect()

    const [bob, tab] = await clients.pair({ entityId: TWO }, { entityId: ONE })
    const [edited = ''] = await fill(bob, channelId, ['to be edited'])
    const [own] = await fill(tab, channelId, ['from my other tab'])
    await call(`PATCH /api/messaging/messages/${edited}`, { content: 'was edited' })
    const [deleted = ''] = await fill(bob, channelId, ['to be deleted'])
    await call(`DELETE ${path}/messages/${deleted}`)
    await call(`PATCH ${path}`, { name: 'Renamed' })

    const back = await elsewhere(clients, bob, ONE)
    const joined = await back.join(channelId, { since: { epoch, seq: 1 } })
    expect(joined).toMatchObject({ epoch, seq: 7, recovered: true })
    expect(entriesOf(back)).toMatchObject([
      { event: 'messageBroadcast', payload: { seq: 2, id: edited, text: 'was edited' } },
      {
        event: 'messageBroadcast',
        payload: { seq: 3, id: own, senderId: ONE, clientMessageId: 'from my other tab' },
      },
      {
        event: 'messageBroadcast',
        payload: { seq: 4, messageSeq: 2, id: edited, text: 'was edited' },
      },
      // 5 was the deleted message: erased, so it is not shown again.
      { event: 'messageDeleted', payload: { seq: 6, channelId, messageId: deleted } },
      {
        event: 'channelUpdated',
        payload: { seq: 7, channelId, updates: expect.objectContaining({ name: 'Renamed' }) },
      },
    ])
    const [others] = back.all('messageBroadcast', { senderId: TWO })
    expect(others).not.toHaveProperty('clientMessageId')
    expect(JSON.stringify(back.received)).not.toContain('to be deleted')

    await fill(bob, channelId, ['live again'])
    await back.saw('messageBroadcast', { text: 'live again', seq: 8 })
    expect(seqsOf(back)).toEqual([2, 3, 4, 6, 7, 8])
  })

  it('after a clear brings the clear and nothing that it erased', async () => {
    await using clients = new Clients(server.url)
    const [alice, bob] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const epoch = await epochOf(alice, 'cleared')
    await fill(bob, 'cleared', ['a', 'b'])
    await call('DELETE /api/messaging/channels/cleared/messages')
    await alice.saw('channelCleared', { channelId: 'cleared', seq: 3 })
    await fill(bob, 'cleared', ['c'])
    const back = await elsewhere(clients, alice, ONE)
    const joined = await back.join('cleared', { since: { epoch, seq: 0 } })
    expect(joined).toMatchObject({ recovered: true, seq: 4 })
    expect(entriesOf(back)).toMatchObject([
      { event: 'channelCleared', payload: { channelId: 'cleared', seq: 3 } },
      { event: 'messageBroadcast', payload: { text: 'c', seq: 4 } },
    ])
  })

  it('goes across the deletion and re-creation of the channel: its numbers go on', async () => {
    await using clients = new Clients(server.url)
    const [alice, bob] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const epoch = await epochOf(alice, 'reborn')
    await fill(bob, 'reborn', ['first life'])
    await call('DELETE /api/messaging/channels/reborn')
    await alice.saw('channelDeleted', { channelId: 'reborn', seq: 2 })
    await fill(bob, 'reborn', ['second life'])
    await alice.saw('messageBroadcast', { text: 'second life', seq: 3 })
    const back = await elsewhere(clients, alice, ONE)
    const joined = await back.join('reborn', { since: { epoch, seq: 0 } })
    expect(joined).toMatchObject({ recovered: true, seq: 3 })
    expect(entriesOf(back)).toMatchObject([
      { event: 'channelDeleted', payload: { seq: 2 } },
      { event: 'messageBroadcast', payload: { text: 'second life', seq: 3 } },
    ])
  })

  it.each([
    { position: 'at the head', since: 3, missed: [] },
    { position: 'one before it', since: 2, missed: [3] },
    { position: 'at the beginning', since: 0, missed: [1, 2, 3] },
  ])('$position is recovered with what is above it', async ({ since, missed }) => {
    await using clients = new Clients(server.url)
    const [alice, bob] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const channelId = `from-${since}`
    const epoch = await epochOf(alice, channelId)
    await fill(alice, channelId, ['a', 'b', 'c'])
    const joined = await bob.join(channelId, { since: { epoch, seq: since } })
    expect(joined).toMatchObject({ recovered: true, seq: 3, epoch })
    expect(seqsOf(bob)).toEqual(missed)
  })

  it('a channel that does not exist is recovered from 0, and from nowhere else', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    const { epoch } = await client.join('not-yet')
    const at = (seq: number) => client.join('not-yet', { since: { epoch, seq } })
    expect(await at(0)).toMatchObject({ recovered: true, seq: 0 })
    expect(await at(1)).toMatchObject({ recovered: false, seq: 0 })
  })

  it.each([
    { what: 'another epoch', since: { epoch: 'another-life', seq: 1 } },
    { what: 'a position above the head', since: { seq: 4 } },
  ])('$what is not recovered, brings nothing, and goes on live', async ({ what, since }) => {
    await using clients = new Clients(server.url)
    const [alice, bob] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const channelId = `not-${what.replaceAll(' ', '-')}`
    const epoch = await epochOf(alice, channelId)
    await fill(alice, channelId, ['a', 'b', 'c'])
    const joined = await bob.join(channelId, { since: { epoch, ...since } })
    expect(joined).toMatchObject({ recovered: false, seq: 3, epoch })
    expect(entriesOf(bob)).toEqual([])
    await fill(alice, channelId, ['live'])
    await bob.saw('messageBroadcast', { text: 'live', seq: 4 })
  })

  it('a gap as large as the limit is recovered whole, a larger one not at all', async () => {
    await using clients = new Clients(server.url)
    const [alice, bob] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const epoch = await epochOf(alice, 'gap')
    const texts = Array.from({ length: MAX_RESUME + 1 }, (_, index) => `gap ${index}`)
    await fill(alice, 'gap', texts)
    expect(await bob.join('gap', { since: { epoch, seq: 0 } })).toMatchObject({ recovered: false })
    expect(entriesOf(bob)).toEqual([])
    expect(await bob.join('gap', { since: { epoch, seq: 1 } })).toMatchObject({ recovered: true })
    expect(bob.all('messageBroadcast').map(({ text }) => text)).toEqual(texts.slice(1))
  })

  it('without since nothing is replayed and recovered is not said', async () => {
    await using clients = new Clients(server.url)
    const [alice, bob] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    await fill(alice, 'unasked', ['a', 'b'])
    expect(await bob.join('unasked')).not.toHaveProperty('recovered')
    expect(entriesOf(bob)).toEqual([])
  })

  it('joining again with since starts that channel’s delivery from there', async () => {
    await using clients = new Clients(server.url)
    const [alice, bob] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const epoch = await epochOf(bob, 'rewound')
    await fill(alice, 'rewound', ['a', 'b'])
    await bob.sawMany('messageBroadcast', 2)
    await bob.join('rewound', { since: { epoch, seq: 0 } })
    await fill(alice, 'rewound', ['c'])
    await bob.saw('messageBroadcast', { text: 'c' })
    expect(seqsOf(bob)).toEqual([1, 2, 1, 2, 3])
  })

  it('joining again amid its own sends: each is acknowledged once and in order, each join answered', async () => {
    await using clients = new Clients(server.url)
    const client = await clients.connect({ entityId: ONE })
    const epoch = await epochOf(client, 'amid')
    const texts = Array.from({ length: MAX_RESUME }, (_, index) => `amid ${index}`)
    const joins: Promise<Payload>[] = []
    for (const [index, text] of texts.entries()) {
      client.emit('2', { channelId: 'amid', message: text, messageId: text })
      if (index % 5 === 2) joins.push(client.join('amid', { since: { epoch, seq: 0 } }))
    }
    const answers = await Promise.all(joins)
    expect(answers.map(({ recovered }) => recovered)).toEqual(joins.map(() => true))
    const acks = await client.sawMany('messageAck', texts.length)
    await client.roundTrip()
    expect(client.all('messageAck')).toHaveLength(texts.length)
    expect(acks.map(({ clientMessageId }) => clientMessageId)).toEqual(texts)
    const own = new Set(client.all('messageBroadcast').map((one) => one.clientMessageId))
    expect([...own]).toEqual(texts)
  })

  it('a malformed since is refused, and the connection is not in the channel', async () => {
    await using clients = new Clients(server.url)
    const [alice, bob] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    for (const since of [{ seq: 1 }, { epoch: 'e', seq: -1 }, { epoch: 'e', seq: 'x' }, 7]) {
      const answer = await bob.join('malformed', { since })
      expect(answer).toMatchObject({ error: expect.stringContaining('since'), retryable: false })
    }
    await fill(alice, 'malformed', ['unheard'])
    await bob.roundTrip()
    expect(entriesOf(bob)).toEqual([])
  })

  it.each([
    { what: 'NUL', text: 'nul\0byte', kept: 'nul\0byte' },
    { what: 'line separators', text: 'a\u2028b\u2029c\r\n', kept: 'a\u2028b\u2029c\r\n' },
    { what: 'half a surrogate pair', text: 'half \uD83D pair', kept: /^half . pair$/u },
    { what: 'many scripts', text: 'grüße 🌍🏳️‍🌈 汉 שלום', kept: 'grüße 🌍🏳️‍🌈 汉 שלום' },
    { what: 'markup and quotes', text: `<b>"'\\</b>`, kept: `<b>"'\\</b>` },
  ])('$what is one text: live, to its sender, replayed and in the history', async (sample) => {
    await using clients = new Clients(server.url)
    const [alice, bob] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const channelId = `text-${sample.what.replaceAll(' ', '-')}`
    const epoch = await epochOf(bob, channelId)
    await alice.send(channelId, sample.text)
    const { text } = await bob.saw('messageBroadcast')
    if (typeof sample.kept === 'string') expect(text).toBe(sample.kept)
    else expect(text).toMatch(sample.kept)
    expect((await alice.saw('messageBroadcast')).text).toBe(text)
    const later = await clients.connect({ entityId: 'later' })
    await later.join(channelId, { since: { epoch, seq: 0 } })
    expect((await later.saw('messageBroadcast')).text).toBe(text)
    const [row] = await history(server.url, channelId)
    expect(row?.content).toBe(text)
  })

  it('leaves no gap and brings nothing twice while others keep writing', async () => {
    await using clients = new Clients(server.url)
    const channelId = 'moving'
    const [writer, observer] = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const epoch = await epochOf(observer, channelId)
    const total = 300
    const isOver = (): boolean => observer.all('messageBroadcast').length >= total
    const writing = (async () => {
      for (let n = 1; n <= total; n += 1) await writer.send(channelId, String(n))
    })()
    const resumed: { client: Client; since: number; recovered: unknown }[] = []
    while (!isOver()) {
      const since = observer.all('messageBroadcast').length
      const client = await clients.connect({ entityId: 'resumer' })
      // Some entries behind, so that there is something to replay while more is coming.
      const from = Math.max(0, since - 20)
      const { recovered } = await client.join(channelId, { since: { epoch, seq: from } })
      resumed.push({ client, since: from, recovered })
    }
    await writing
    expect(resumed.length).toBeGreaterThan(3)
    for (const { client, since, recovered } of resumed) {
      expect(recovered).toBe(true)
      await client.saw('messageBroadcast', { seq: total })
      const wanted = Array.from({ length: total - since }, (_, index) => since + 1 + index)
      expect(seqsOf(client)).toEqual(wanted)
    }
  })

  it('changes over REST arrive live with their numbers, in the same order for everybody', async () => {
    await using clients = new Clients(server.url)
    const pair = await clients.pair({ entityId: ONE }, { entityId: TWO })
    const path = '/api/messaging/channels/administered'
    await call('POST /api/messaging/channels', {
      id: 'administered',
      name: 'Administered',
      message_server_id: SERVER,
      participantCentralUserIds: [],
    })
    for (const client of pair) await client.join('administered')
    await call(`POST ${path}/messages`, {
      author_id: ONE,
      content: 'over REST',
      message_server_id: SERVER,
    })
    const { id } = await pair[0].saw('messageBroadcast', { text: 'over REST' })
    await call(`PATCH /api/messaging/messages/${String(id)}`, { content: 'edited' })
    await call(`PATCH ${path}`, { name: 'Anew' })
    await call(`DELETE ${path}/messages/${String(id)}`)
    await call(`DELETE ${path}/messages`)
    await call(`DELETE ${path}`)
    for (const client of pair) {
      await client.saw('channelDeleted', { channelId: 'administered' })
      expect(entriesOf(client).map(({ event, payload }) => [payload.seq, event])).toEqual([
        [1, 'messageBroadcast'],
        [2, 'messageBroadcast'],
        [3, 'channelUpdated'],
        [4, 'messageDeleted'],
        [5, 'channelCleared'],
        [6, 'channelDeleted'],
      ])
      const [posted, edit] = client.all('messageBroadcast')
      expect(edit).toMatchObject({ id: posted?.id, text: 'edited', messageSeq: 1 })
    }
  })
})
