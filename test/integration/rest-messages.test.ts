import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
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
    const messages = await server.log.messages({ channelId: 'room', limit: 9 })
    expect(messages.map((message) => message.body.metadata)).toEqual([undefined, { k: 1 }])
  })

  it.each([
    ['no author', { author_id: undefined }],
    ['no text', { content: '' }],
    ['text that is none', { content: 42 }],
    ['a server that is no id', { message_server_id: 'no id!' }],
    ['an author that is no id', { author_id: 'no id!' }],
    ['metadata too deep', { metadata: JSON.parse(`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`) }],
    ['metadata that is a list', { metadata: [] }],
    ['too many attachments', { attachments: Array.from({ length: 33 }, () => ({})) }],
    ['an id of 129 characters', { author_id: 'a'.repeat(129) }],
  ])('is refused with %s, and nothing is stored', async (_what, fields) => {
    await using server = await startRest()
    const { status, body } = await server.call('POST', ROOM, { ...hello, ...fields })
    expect(status).toBe(400)
    expect(body).toMatchObject({
      success: false,
      error: 'Missing required fields: channelId, message_server_id, author_id, content',
      code: 'INVALID_PAYLOAD',
    })
    expect(await server.log.channel('room')).toBeUndefined()
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

  it('takes times as epoch ms and as ISO, exclusive both', async () => {
    await using server = await startRest()
    await five(server)
    const stored = await server.log.messages({ channelId: 'room', limit: 9 })
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
