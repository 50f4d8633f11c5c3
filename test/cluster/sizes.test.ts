import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Clients } from '../compat/support/clients.ts'
import type { Client } from '../compat/support/client.ts'
import { history, rest } from '../compat/support/rest.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

const MAX_MESSAGE_BYTES = 100
const MAX_ATTACHMENT_BYTES = 200
const MAX_METADATA_BYTES = 120
const MAX_JSON_DEPTH = 3
const MAX_PAGE_ROWS = 5
const MAX_LOG_SUBSCRIBERS = 2

const API = '/api/messaging'
const author = { author_id: 'author' }

let server: TestServer
let clients: Clients
let client: Client
/** A message that is there to be edited. */
let messageId: unknown

beforeAll(async () => {
  server = await startServer({
    PARLEY_GATEWAYS: '1',
    PARLEY_MAX_MESSAGE_BYTES: String(MAX_MESSAGE_BYTES),
    PARLEY_MAX_ATTACHMENT_BYTES: String(MAX_ATTACHMENT_BYTES),
    PARLEY_MAX_METADATA_BYTES: String(MAX_METADATA_BYTES),
    PARLEY_MAX_JSON_DEPTH: String(MAX_JSON_DEPTH),
    PARLEY_MAX_PAGE_ROWS: String(MAX_PAGE_ROWS),
    PARLEY_MAX_LOG_SUBSCRIBERS: String(MAX_LOG_SUBSCRIBERS),
  })
  clients = new Clients(server.url)
  client = await clients.connect({ entityId: 'author' })
  messageId = (await client.send('edited', 'first')).messageId
  await client.send('room', 'first')
})
afterAll(async () => {
  await clients[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

interface Answer {
  readonly code: unknown
  readonly error: unknown
  readonly status?: number
}

/** The fields of a message, as one edge names them. */
interface Parts {
  readonly text?: string
  readonly attachments?: readonly unknown[]
  readonly metadata?: object
  readonly raw?: object
}

type Way = (parts: Parts) => Promise<Answer>

async function call(line: string, body: object): Promise<Answer> {
  const { status, body: answer } = await rest(server.url, line, body)
  return { status, code: answer.code, error: answer.error }
}

const inRest = ({ text = 'hi', attachments, metadata, raw }: Parts): object => ({
  ...author,
  content: text,
  attachments,
  metadata,
  raw_message: raw ?? { text: 'hi' },
})

const agents = { channel_id: 'room', source_type: 'test' }

/** Every way in which a message comes in over REST. */
const REST_WAYS: readonly (readonly [string, Way])[] = [
  ['a post', (parts) => call(`POST ${API}/channels/room/messages`, inRest(parts))],
  ['a submission', (parts) => call(`POST ${API}/submit`, { ...inRest(parts), ...agents })],
  ['an action', (parts) => call(`POST ${API}/action`, { ...inRest(parts), ...agents })],
  ['an ingestion', (parts) => call(`POST ${API}/ingest-external`, { ...inRest(parts), ...agents })],
  ['an edit', (parts) => call(`PATCH ${API}/messages/${String(messageId)}`, inRest(parts))],
  [
    'an edit in its channel',
    (parts) => call(`PATCH ${API}/channels/edited/messages/${String(messageId)}`, inRest(parts)),
  ],
  [
    "an action's change",
    (parts) => call(`PATCH ${API}/action/${String(messageId)}`, inRest(parts)),
  ],
]

const socketSend: Way = async ({ text = 'hi', attachments, metadata }) => {
  const { code, error } = await client.send('room', text, { attachments, metadata })
  return { code, error }
}

/** Every way in which metadata of something else comes in. */
const METADATA_WAYS: readonly (readonly [string, Way])[] = [
  [
    'a new channel',
    ({ metadata }) =>
      call(`POST ${API}/channels`, { name: 'refused', participantCentralUserIds: [], metadata }),
  ],
  ["a channel's change", ({ metadata }) => call(`PATCH ${API}/channels/room`, { metadata })],
  [
    'a new server',
    ({ metadata }) =>
      call(`POST ${API}/message-servers`, { name: 'refused', sourceType: 'test', metadata }),
  ],
  [
    'a join',
    async ({ metadata }) => {
      const { code, error } = await client.join('room', { metadata })
      return { code, error }
    },
  ],
]

/** An object whose JSON takes so many bytes, in letters of two. */
function objectOf(bytes: number): { readonly words: string } {
  const letters = bytes - JSON.stringify({ words: '' }).length
  return { words: 'é'.repeat(Math.floor(letters / 2)) + 'x'.repeat(letters % 2) }
}

const nested = (levels: number): object => (levels === 1 ? {} : { in: nested(levels - 1) })

interface Case {
  readonly field: string
  /** Of so many bytes. */
  readonly of: (bytes: number) => Parts
  readonly maxBytes: number
}

const TEXT: Case = {
  field: 'text',
  of: (bytes) => ({ text: 'é'.repeat(Math.floor(bytes / 2)) + 'x'.repeat(bytes % 2) }),
  maxBytes: MAX_MESSAGE_BYTES,
}
const ATTACHMENTS: Case = {
  field: 'attachments',
  of: (bytes) => ({ attachments: [objectOf(bytes - 2)] }),
  maxBytes: MAX_ATTACHMENT_BYTES,
}
const METADATA: Case = {
  field: 'metadata',
  of: (bytes) => ({ metadata: objectOf(bytes) }),
  maxBytes: MAX_METADATA_BYTES,
}
const RAW: Case = {
  field: 'raw_message',
  of: (bytes) => ({ raw: objectOf(bytes) }),
  maxBytes: MAX_ATTACHMENT_BYTES,
}

/** All that is stored: the numbers of both channels' newest entries, and what the lists hold. */
async function stored(): Promise<unknown> {
  const observer = await clients.connect({ entityId: 'observer' })
  const heads = await Promise.all(['room', 'edited'].map((id) => observer.join(id)))
  const lists = ['channels', 'message-servers'].map((list) =>
    rest(server.url, `GET ${API}/${list}`),
  )
  const rows = (await Promise.all(lists)).map(({ data }) => data)
  observer.socket.disconnect()
  return { seqs: heads.map(({ seq }) => seq), rows }
}

/** Takes it at the limit, refuses it one byte past, and stores nothing of that. */
async function expectBound(way: Way, { field, of, maxBytes }: Case): Promise<void> {
  const taken = await way(of(maxBytes))
  expect(taken.code).toBeUndefined()
  const before = await stored()
  const refused = await way(of(maxBytes + 1))
  expect(refused).toMatchObject({
    code: 'PAYLOAD_TOO_LARGE',
    error: `${field}: ${maxBytes + 1} bytes are too large, at most ${maxBytes} are taken`,
  })
  expect(refused.status ?? 413).toBe(413)
  expect(await stored()).toEqual(before)
}

async function expectDepth(way: Way, of: (levels: number) => Parts, field: string): Promise<void> {
  expect((await way(of(MAX_JSON_DEPTH))).code).toBeUndefined()
  const before = await stored()
  const refused = await way(of(MAX_JSON_DEPTH + 1))
  expect(refused).toMatchObject({
    code: 'INVALID_PAYLOAD',
    error: `${field}: is nested too deeply, at most ${MAX_JSON_DEPTH} levels are taken`,
  })
  expect(await stored()).toEqual(before)
}

const deepIn = {
  metadata: (levels: number) => ({ metadata: nested(levels) }),
  attachments: (levels: number) => ({ attachments: [nested(levels - 1)] }),
  raw_message: (levels: number) => ({ raw: nested(levels) }),
} as const

describe('a message', () => {
  it.each(REST_WAYS)('over REST is held to the sizes that are set: %s', async (_name, way) => {
    for (const one of [TEXT, ATTACHMENTS, METADATA, RAW]) await expectBound(way, one)
    for (const [field, of] of Object.entries(deepIn)) await expectDepth(way, of, field)
  })

  it('over a socket is held to the same', async () => {
    for (const one of [TEXT, ATTACHMENTS, METADATA]) await expectBound(socketSend, one)
    await expectDepth(socketSend, deepIn.metadata, 'metadata')
    await expectDepth(socketSend, deepIn.attachments, 'attachments')
  })

  it('whose attachments come in its metadata is held to the bound of attachments', async () => {
    const [, post] = REST_WAYS[0] ?? []
    if (post === undefined) throw new Error('no way in')
    await expectBound(
      (parts) => post({ metadata: { attachments: parts.attachments } }),
      ATTACHMENTS,
    )
  })
})

describe('metadata', () => {
  it.each(METADATA_WAYS)('of %s is held to its size and depth', async (_name, way) => {
    await expectBound(way, METADATA)
    await expectDepth(way, deepIn.metadata, 'metadata')
  })
})

describe('a page of messages', () => {
  it('has no more rows than are set, whatever is asked for', async () => {
    for (let index = 0; index <= MAX_PAGE_ROWS; index += 1) await client.send('long', `${index}`)
    for (const query of ['', '?limit=500', `?limit=${MAX_PAGE_ROWS + 1}`]) {
      const { data } = await rest(server.url, `GET ${API}/channels/long/messages${query}`)
      expect(data).toMatchObject({ messages: { length: MAX_PAGE_ROWS }, hasMore: true })
    }
    expect(await history(server.url, 'long')).toHaveLength(MAX_PAGE_ROWS)
  })
})

describe('the log', () => {
  it('is watched by as many sockets of a gateway as are set; a place that is left is free', async () => {
    const sockets = await Promise.all(
      Array.from({ length: MAX_LOG_SUBSCRIBERS + 1 }, () => clients.connect()),
    )
    const [first, second, third] = sockets
    if (first === undefined || second === undefined || third === undefined) throw new Error('none')
    expect(await first.request('subscribe_logs')).toMatchObject({ subscribed: true })
    expect(await second.request('subscribe_logs')).toMatchObject({ subscribed: true })
    expect(await first.request('subscribe_logs')).toMatchObject({ subscribed: true })
    const refused = { code: 'TOO_MANY_SUBSCRIBERS', retryable: true }
    expect(await third.request('subscribe_logs')).toMatchObject(refused)
    await third.saw('messageError', refused)
    expect(await third.request('update_log_filters', { level: 'all' })).toMatchObject({
      success: false,
    })
    await first.request('unsubscribe_logs')
    expect(await third.request('subscribe_logs')).toMatchObject({ subscribed: true })
    expect(await first.request('subscribe_logs')).toMatchObject(refused)
    second.dropTransport()
    await expect
      .poll(() => first.request('subscribe_logs'), { timeout: 10_000 })
      .toMatchObject({ subscribed: true })
  })
})
