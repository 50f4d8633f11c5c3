import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID, LIMITS } from '../../src/protocol/limits.ts'
import { startRest } from './support/rest-server.ts'
import type { RestServer } from './support/rest-server.ts'

const API = '/api/messaging'
const ROOM = `${API}/channels/room/messages`
const hello = { author_id: 'alice', content: 'hello', message_server_id: DEFAULT_SERVER_ID }

async function post(server: RestServer, fields: object = {}): Promise<string> {
  const { body } = await server.call('POST', ROOM, { ...hello, ...fields })
  return body.data.id
}

async function five(server: RestServer): Promise<void> {
  for (let index = 1; index <= 5; index += 1) await post(server, { content: `m${index}` })
}

async function contents(server: RestServer, query = ''): Promise<string[]> {
  const { body } = await server.call('GET', `${ROOM}${query}`)
  return body.data.messages.map((message: { content: string }) => message.content)
}

const MISSING = /^Missing required fields: channelId, message_server_id, author_id, content$/
const deep = JSON.parse(`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`)

describe('posting', () => {
  it('stores, delivers and answers under both names, also where nobody else is', async () => {
    await using server = await startRest()
    await server.log.follow('room')
    const { status, body } = await server.call('POST', ROOM, hello)
    expect(status).toBe(201)
    expect(body.userMessage).toEqual(body.data)
    expect(body.data).toMatchObject({ channel_id: 'room', author_id: 'alice', seq: 1 })
    expect(server.entries).toMatchObject([{ kind: 'posted', seq: 1, channelId: 'room' }])
    expect(await contents(server)).toEqual(['hello'])
  })

  it('answers the first message when its messageId comes again', async () => {
    await using server = await startRest()
    const ids = [await post(server, { messageId: 'c1' }), await post(server, { messageId: 'c1' })]
    expect(new Set(ids).size).toBe(1)
    expect(await post(server, { messageId: 'c2' })).not.toBe(ids[0])
    expect(await post(server, { messageId: 'c1', author_id: 'bob' })).not.toBe(ids[0])
    expect(await contents(server)).toHaveLength(3)
  })

  it('takes attachments without text, from metadata or beside it', async () => {
    await using server = await startRest()
    const attachments = [{ id: '1', url: 'https://example.invalid/a.png' }]
    await post(server, { content: '', metadata: { attachments, k: 1 } })
    await post(server, { content: undefined, attachments })
    const { body } = await server.call('GET', ROOM)
    expect(body.data.messages).toMatchObject([
      { content: '', metadata: { attachments } },
      { content: '', metadata: { attachments, k: 1 } },
    ])
    const { messages } = await server.log.messages({ channelId: 'room', limit: 9 })
    expect(messages.map((message) => message.body.metadata)).toEqual([undefined, { k: 1 }])
  })

  it.each([
    ['no author', { author_id: undefined }, MISSING],
    ['an empty author', { author_id: '' }, MISSING],
    ['no text', { content: '' }, MISSING],
    ['no author and text that is none', { author_id: null, content: 42 }, MISSING],
    ['text that is none', { content: 42 }, /^content: .*expected string/],
    [
      'a server that is no id',
      { message_server_id: 'no id!' },
      /^message_server_id: must be 1–128/,
    ],
    ['an author that is no id', { author_id: 'no id!' }, /^author_id: must be 1–128/],
    ['an author of dots', { author_id: '..' }, /^author_id: .*not only dots/],
    ['metadata too deep', { metadata: deep }, /^metadata: .*nested at most 16 levels/],
    ['metadata that is a list', { metadata: [] }, /^metadata: must be a JSON object/],
    [
      'too many attachments',
      { attachments: Array.from({ length: 33 }, () => ({})) },
      /^attachments: .*at most 32/,
    ],
    ['an id of 129 characters', { author_id: 'a'.repeat(129) }, /^author_id: must be 1–128/],
    ['an empty messageId', { messageId: '' }, /^messageId: /],
  ])(
    'is refused with %s in words that fit, and nothing is stored',
    async (_what, fields, words) => {
      await using server = await startRest()
      const { status, body } = await server.call('POST', ROOM, { ...hello, ...fields })
      expect(status).toBe(400)
      expect(body).toMatchObject({ success: false, code: 'INVALID_PAYLOAD' })
      expect(body.error).toMatch(words)
      expect(await server.log.channel('room')).toBeUndefined()
    },
  )

  it('does not count attachments as metadata, where they are stored beside it', async () => {
    await using server = await startRest()
    const attachments = [{ id: '1', url: `data:image/png;base64,${'A'.repeat(100_000)}` }]
    await post(server, { metadata: { attachments, k: 1 } })
    const { body } = await server.call('GET', ROOM)
    expect(body.data.messages[0].metadata).toMatchObject({ attachments, k: 1 })
    const metadata = { attachments: 'A'.repeat(100_000) }
    expect((await server.call('POST', ROOM, { ...hello, metadata })).status).toBe(413)
  })

  it('takes metadata of the limit exactly', async () => {
    await using server = await startRest()
    const words = 'x'.repeat(LIMITS.maxMetadataBytes - JSON.stringify({ words: '' }).length)
    const at = { ...hello, metadata: { words } }
    expect((await server.call('POST', ROOM, at)).status).toBe(201)
    const over = { ...hello, metadata: { words: `${words}x` } }
    expect((await server.call('POST', ROOM, over)).status).toBe(413)
  })

  it('names a server only where the channel is, or will be', async () => {
    await using server = await startRest()
    const other = { id: 'other', name: 'Other', sourceType: 'test' }
    await server.call('POST', `${API}/message-servers`, other)
    await post(server)
    const answers = await Promise.all(
      ['messages', 'submit', 'action', 'ingest-external'].map((route) => {
        const path = route === 'messages' ? ROOM : `${API}/${route}`
        const to = { ...hello, channel_id: 'room', source_type: 'x', raw_message: { text: 'x' } }
        return Promise.all([
          server.call('POST', path, { ...to, message_server_id: 'nope' }),
          server.call('POST', path, { ...to, message_server_id: 'other' }),
        ])
      }),
    )
    for (const [unknown, elsewhere] of answers) {
      expect(unknown).toMatchObject({
        status: 404,
        body: { code: 'SERVER_NOT_FOUND', error: 'Server nope does not exist' },
      })
      expect(elsewhere).toMatchObject({ status: 400, body: { code: 'INVALID_PAYLOAD' } })
      expect(elsewhere.body.error).toBe(
        `Channel room belongs to message server ${DEFAULT_SERVER_ID}, not to the one that was named`,
      )
    }
    expect(await contents(server)).toEqual(['hello'])
    await post(server, { message_server_id: undefined, content: 'anywhere' })
    expect(await contents(server)).toEqual(['anywhere', 'hello'])
  })

  it.each(['http', 'sse', 'sync', 'stream'])('says that no agent answers over %s', async (mode) => {
    await using server = await startRest()
    const { status, body } = await server.call('POST', ROOM, { ...hello, mode })
    expect(status).toBe(400)
    expect(body.error).toContain('websocket')
    expect(await contents(server)).toEqual([])
  })

  it('takes ids under 128 characters of the alphabet, and lower-cases UUIDs', async () => {
    await using server = await startRest()
    const author = 'BBBBBBBB-0000-4000-8000-00000000000B'
    const { body } = await server.call('POST', `${API}/channels/a.b_c:d@e-F/messages`, {
      ...hello,
      author_id: author,
    })
    expect(body.data).toMatchObject({ channel_id: 'a.b_c:d@e-F', author_id: author.toLowerCase() })
  })
})

describe('listing', () => {
  it('is newest first, and pages by seq without overlap or gap', async () => {
    await using server = await startRest()
    await five(server)
    expect(await contents(server, '?limit=2')).toEqual(['m5', 'm4'])
    expect(await contents(server, '?limit=2&beforeSeq=4')).toEqual(['m3', 'm2'])
    expect(await contents(server, '?limit=2&beforeSeq=2')).toEqual(['m1'])
    expect(await contents(server, '?beforeSeq=1')).toEqual([])
    expect(await contents(server, '?afterSeq=3')).toEqual(['m5', 'm4'])
    expect(await contents(server, '?afterSeq=5')).toEqual([])
    expect(await contents(server, '?afterSeq=1&beforeSeq=5')).toEqual(['m4', 'm3', 'm2'])
  })

  it('says whether more lies behind a page', async () => {
    await using server = await startRest()
    await five(server)
    const hasMore = async (query: string): Promise<unknown> =>
      (await server.call('GET', `${ROOM}?${query}`)).body.data.hasMore
    expect(await hasMore('')).toBe(false)
    expect(await hasMore('limit=5')).toBe(false)
    expect(await hasMore('limit=4')).toBe(true)
    expect(await hasMore('limit=2&beforeSeq=4')).toBe(true)
    expect(await hasMore('limit=2&beforeSeq=3')).toBe(false)
    expect(await hasMore('limit=1&afterSeq=3')).toBe(true)
    expect(await hasMore('limit=2&afterSeq=3')).toBe(false)
    expect(await hasMore('limit=0')).toBe(true)
  })

  it('says so, too, where a page ends at its bytes, and none is lost between pages', async () => {
    await using server = await startRest({ settings: { maxMessageBytes: 2_000_000 } })
    for (let index = 1; index <= 7; index += 1) {
      await post(server, { content: `${index}${'x'.repeat(1_900_000)}` })
    }
    const seen: number[] = []
    for (let more = true, before = ''; more; before = `?beforeSeq=${seen.at(-1)}`) {
      const { body } = await server.call('GET', `${ROOM}${before}`)
      expect(body.data.messages.length).toBeLessThan(7)
      seen.push(...body.data.messages.map(({ seq }: { seq: number }) => seq))
      more = body.data.hasMore
    }
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1])
  })

  it('takes times as epoch ms and as ISO, exclusive both', async () => {
    await using server = await startRest()
    await five(server)
    const { messages: stored } = await server.log.messages({ channelId: 'room', limit: 9 })
    const first = stored.at(-1)?.createdAt ?? 0
    const last = stored[0]?.createdAt ?? 0
    const older = stored.filter((message) => message.createdAt < last).map(({ body }) => body.text)
    expect(await contents(server, `?before=${last}`)).toEqual(older)
    expect(await contents(server, `?before=${new Date(last).toISOString()}`)).toEqual(older)
    expect(await contents(server, `?before=${first}`)).toEqual([])
    expect(await contents(server, `?after=${last}`)).toEqual([])
    expect(await contents(server, `?after=${first - 1}`)).toHaveLength(5)
  })

  it('has no rows for limit 0, 50 by default and 500 at most', async () => {
    await using server = await startRest()
    await Promise.all(Array.from({ length: 501 }, () => post(server)))
    expect(await contents(server, '?limit=0')).toHaveLength(0)
    expect(await contents(server)).toHaveLength(50)
    expect(await contents(server, '?limit=500')).toHaveLength(500)
    expect(await contents(server, '?limit=1000000')).toHaveLength(500)
  })

  it.each(['limit=abc', 'limit=-1', 'before=abc', 'after=', 'beforeSeq=x', 'afterSeq=1.5'])(
    'refuses %s',
    async (query) => {
      await using server = await startRest()
      const { status, body } = await server.call('GET', `${ROOM}?${query}`)
      expect(status).toBe(400)
      expect(body).toMatchObject({ success: false, error: `Invalid ${query.split('=')[0]}` })
    },
  )
})

describe('one message', () => {
  const ADDRESSES = [
    ['by itself', (id: string) => `${API}/messages/${id}`],
    ['in its channel', (id: string) => `${ROOM}/${id}`],
    [
      'in its channel by the older name',
      (id: string) => `${API}/central-channels/room/messages/${id}`,
    ],
  ] as const

  it.each(ADDRESSES)('can be read, edited and deleted %s', async (_name, address) => {
    await using server = await startRest()
    await server.log.follow('room')
    const id = await post(server, { metadata: { a: 1 } })
    const edited = await server.call('PATCH', address(id), { content: 'again' })
    expect(edited.status).toBe(200)
    const read = await server.call('GET', address(id))
    expect(read.body.data).toMatchObject({ id, seq: 1, content: 'again', metadata: { a: 1 } })
    expect((await server.call('DELETE', address(id))).status).toBe(204)
    expect((await server.call('DELETE', address(id))).status).toBe(204)
    for (const method of ['GET', 'PATCH']) {
      const gone = await server.call(method, address(id), method === 'GET' ? undefined : hello)
      expect(gone.status).toBe(404)
      expect(gone.body).toMatchObject({ error: 'Message not found', code: 'MESSAGE_NOT_FOUND' })
    }
    expect(server.entries.map(({ kind }) => kind)).toEqual(['posted', 'edited', 'deleted'])
  })

  it.each(['GET', 'PATCH', 'DELETE'])('is not found in another channel by %s', async (method) => {
    await using server = await startRest()
    const id = await post(server)
    const other = `${API}/channels/other/messages/${id}`
    const body = method === 'PATCH' ? { content: 'x' } : undefined
    expect((await server.call(method, other, body)).status).toBe(404)
    expect(await contents(server)).toEqual(['hello'])
  })

  it('replaces its attachments with its metadata', async () => {
    await using server = await startRest()
    const id = await post(server, { attachments: [{ id: '1' }], metadata: { a: 1 } })
    const path = `${API}/messages/${id}`
    const kept = await server.call('PATCH', path, { content: 'again' })
    expect(kept.body.data.metadata).toMatchObject({ a: 1, attachments: [{ id: '1' }] })
    const { body } = await server.call('PATCH', path, { metadata: { b: 2 } })
    expect(body.data.metadata).not.toHaveProperty('attachments')
    expect(body.data.metadata).toMatchObject({ b: 2 })
  })

  it('is not edited when nothing is named', async () => {
    await using server = await startRest()
    const id = await post(server)
    expect((await server.call('PATCH', `${API}/messages/${id}`, {})).status).toBe(400)
    expect(await server.log.head('room')).toBe(1)
  })
})

it('clearing erases all rows, and an unknown channel has none', async () => {
  await using server = await startRest()
  await Promise.all(Array.from({ length: 1_200 }, () => post(server)))
  expect((await server.call('DELETE', ROOM)).status).toBe(204)
  expect(await contents(server, '?limit=500')).toEqual([])
  expect((await server.call('DELETE', `${API}/channels/unknown/messages`)).status).toBe(204)
})
