import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENT_EVENTS } from '../../src/protocol/wire.ts'
import { newId } from '../../src/util/new-id.ts'
import { Clients } from '../compat/support/clients.ts'
import { readApi } from '../fuzz/support/api.ts'
import type { Api, Operation } from '../fuzz/support/api.ts'
import { ofSchema } from '../fuzz/support/from-schema.ts'
import { openRawClient } from '../fuzz/support/raw-client.ts'
import { write } from '../fuzz/support/written.ts'
import { claimsOf, SECRET, signed } from '../integration/support/tokens.ts'
import { startServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

const KEY = 'the-key-of-services'
const AS_SERVICE = { 'x-api-key': KEY, 'content-type': 'application/json' }

/** Stand in requests for the ids of a channel and of a message in it. */
const CHANNEL = '550e8400-e29b-41d4-a716-446655440000'
const MESSAGE = '0190c3a8-5b1e-7c3d-9a41-2f0e6d1c7b55'
/** Everything that is in the hidden channel, in all the places where something can be. */
const PLANTED = ['planted-name', 'planted-text', 'planted-person', 'planted-file', 'planted-live']
const [NAME = '', TEXT = '', PERSON = '', FILE = '', LIVE = ''] = PLANTED
/** Bodies that are made for each route by its schema, beside the empty one. */
const BODIES = 6

interface Place {
  readonly channelId: string
  readonly messageId: string
}

let server: TestServer
let api: Api
let hidden: Place
/** Of the same kind, and led to by nothing. */
const absent: Place = { channelId: newId(), messageId: newId() }

async function asService(method: string, path: string, body?: object) {
  const response = await fetch(`${server.url}/api/messaging${path}`, {
    method,
    headers: AS_SERVICE,
    ...(body && { body: JSON.stringify(body) }),
  })
  const answer = (await response.json()) as { readonly data: { readonly id: string } }
  expect(response.ok, JSON.stringify(answer)).toBe(true)
  return answer.data
}

async function plant(): Promise<Place> {
  const channelId = newId()
  await asService('POST', '/channels', {
    id: channelId,
    name: NAME,
    visibility: 'private',
    metadata: { about: TEXT },
    participantCentralUserIds: ['alice', PERSON],
  })
  const { id: messageId } = await asService('POST', `/channels/${channelId}/messages`, {
    author_id: 'alice',
    author_display_name: PERSON,
    content: TEXT,
    attachments: [{ title: FILE }],
  })
  return { channelId, messageId }
}

beforeAll(async () => {
  const settings = {
    PARLEY_GATEWAYS: '2',
    PARLEY_AGENT_HOSTS: '0',
    PARLEY_API_KEY: KEY,
    PARLEY_JWT_SECRET: SECRET,
    PARLEY_EVENTS_PER_SECOND: '1000000',
    PARLEY_ENTITY_EVENTS_PER_SECOND: '1000000',
  }
  server = await startServer(settings, { headers: AS_SERVICE })
  api = await readApi(server.url)
  hidden = await plant()
})
afterAll(() => server[Symbol.asyncDispose]())

const putIn = (text: string, { channelId, messageId }: Place): string =>
  text.replaceAll(CHANNEL, channelId).replaceAll(MESSAGE, messageId)

/** An answer with names in place of what is different each time. */
function known(text: string, place: Place): string {
  return text
    .replaceAll(new RegExp(place.channelId, 'gi'), 'the channel')
    .replaceAll(new RegExp(place.messageId, 'gi'), 'the message')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, 'an id')
    .replaceAll(/"(?:createdAt|updatedAt|created_at|updated_at)":(?:\d+|"[^"]*")/g, '"at":0')
    .replaceAll(/"seq":\d+/g, '"seq":0')
}

interface Asked {
  readonly what: string
  readonly ask: (place: Place) => Promise<string>
  /** The hidden thing is what is asked for: only a refusal can be the answer. */
  readonly isAbout: boolean
}

function requestsTo(operation: Operation, headers: Readonly<Record<string, string>>): Asked[] {
  const { method, path, body } = operation
  const target = path
    .replace('{channelId}', CHANNEL)
    .replace('{messageId}', MESSAGE)
    .replaceAll(/\{(?:entityId|agentId)\}/g, 'alice')
    .replace('{messageServerId}', '00000000-0000-0000-0000-000000000000')
  const ground = { schemas: api.schemas, ids: [CHANNEL, CHANNEL, MESSAGE, MESSAGE, 'mallory'] }
  const bodies =
    body === undefined
      ? [undefined]
      : ['{}', ...fc.sample(ofSchema(body, ground), { seed: 7, numRuns: BODIES }).map(write)]
  return bodies.map((bytes) => ({
    what: `${method} ${target} ${bytes ?? ''}`,
    isAbout: target.includes(CHANNEL) || target.includes(MESSAGE),
    ask: async (place) => {
      const response = await fetch(server.url + putIn(target, place), {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        redirect: 'manual',
        ...(bytes !== undefined && { body: Buffer.from(putIn(bytes, place), 'latin1') }),
      })
      return `${response.status} ${await response.text()}`
    },
  }))
}

const PAYLOADS = [
  { channelId: CHANNEL },
  { roomId: CHANNEL },
  { channelId: CHANNEL.toUpperCase() },
  { channelId: CHANNEL, entityId: 'alice' },
  { channelId: CHANNEL, entityId: 'mallory', since: { epoch: 'any', seq: 0 } },
  { channelId: CHANNEL, message: 'let me in', messageId: 'm-1' },
  { channelId: CHANNEL, message: 'let me in', senderId: 'mallory' },
  { channelId: CHANNEL, message: 'let me in', senderId: 'alice' },
  { channelId: CHANNEL, message: 'dm', targetUserId: 'alice', metadata: { isDm: true } },
]

function eventsOf(ask: (args: string) => Promise<string | undefined>): Asked[] {
  const types = CLIENT_EVENTS.filter((event) => event !== 'message')
  const plain = types.flatMap((event) => PAYLOADS.map((payload) => [event, payload]))
  const generic = types.flatMap((event) =>
    PAYLOADS.map((payload) => [
      'message',
      { type: Number.isNaN(Number(event)) ? event : Number(event), payload },
    ]),
  )
  return [...plain, ...generic].map((args) => {
    const text = JSON.stringify(args)
    const isAbout = !/logs|log_filters/.test(text) && !/leav/i.test(text)
    return {
      what: text,
      isAbout,
      ask: async (place) => {
        const upper = text.replaceAll(CHANNEL.toUpperCase(), place.channelId.toUpperCase())
        return (await ask(putIn(upper, place))) ?? 'the end'
      },
    }
  })
}

/** Everything asked about both places: whether the answers are refusals, tell the two apart, or tell anything. */
async function faultsOf(all: readonly Asked[]): Promise<string[]> {
  const faults: string[] = []
  for (const { what, ask, isAbout } of all) {
    const there = await ask(hidden)
    const nowhere = await ask(absent)
    const told = PLANTED.filter((text) => there.includes(text) || nowhere.includes(text))
    if (told.length > 0) faults.push(`${what}: ${told.join()} is in ${there} or ${nowhere}`)
    // What names neither may be different for other reasons: the time, and what was made meanwhile.
    const isNamed = new RegExp(`${CHANNEL}|${MESSAGE}`, 'i').test(what)
    if (isNamed && known(there, hidden) !== known(nowhere, absent)) {
      faults.push(`${what}: ${there} and ${nowhere} tell them apart`)
    }
    const isRefusal = /^4\d\d |"code":"[A-Z_]+"/.test(there)
    if (isAbout && !isRefusal) faults.push(`${what}: ${there} is no refusal`)
  }
  return faults
}

/** All there is of the channel, as the service sees it. */
async function contents(): Promise<unknown> {
  const { channelId, messageId } = hidden
  const parts = ['details', 'participants', 'messages?limit=500', `messages/${messageId}`, 'agents']
  return Promise.all(parts.map((part) => asServiceAny(`/channels/${channelId}/${part}`)))
}

async function asServiceAny(path: string): Promise<unknown> {
  const response = await fetch(`${server.url}/api/messaging${path}`, { headers: AS_SERVICE })
  const body: unknown = await response.json()
  return body
}

describe.each([
  { who: 'a user', claims: {} },
  { who: 'an agent', claims: { role: 'agent' } },
  {
    who: 'a user whose token allows all but management everywhere',
    claims: { channels: { '*': ['join', 'read', 'send'] } },
  },
])('to $who, a private channel of others', ({ claims }) => {
  let token: string
  beforeAll(async () => {
    token = await signed(claimsOf('mallory', claims))
  })

  it('is one that does not exist, on every route, and stays as it is', async () => {
    const before = await contents()
    const headers = { authorization: `Bearer ${token}` }
    const requests = api.operations.flatMap((operation) => requestsTo(operation, headers))
    expect(requests.length).toBeGreaterThan(200)
    expect(await faultsOf(requests)).toEqual([])
    expect(await contents()).toEqual(before)
  })

  it('is one that does not exist, in every event, while its people talk', async () => {
    const heard: string[] = []
    using mallory = await openRawClient(server.port, { auth: { token } }, (packet) =>
      heard.push(packet),
    )
    await using clients = new Clients(server.url)
    const auth = { token: await signed(claimsOf('alice')) }
    const [one, two] = await clients.pair({ auth }, { auth })
    await Promise.all([one.join(hidden.channelId), two.join(hidden.channelId)])
    let isOver = false
    const talk = async (): Promise<void> => {
      for (let index = 0; !isOver; index += 1) {
        one.emit('typing_start', { channelId: hidden.channelId })
        await one.send(hidden.channelId, `${LIVE} ${index}`)
      }
    }
    const talking = talk()
    try {
      expect(await faultsOf(eventsOf((args) => mallory.ask(args)))).toEqual([])
    } finally {
      isOver = true
      await talking
    }
    await two.saw('messageBroadcast', ({ text }) => String(text).startsWith(LIVE))
    expect(heard.filter((packet) => PLANTED.some((text) => packet.includes(text)))).toEqual([])
    const names = new Set(heard.map((packet) => /^42\["(\w+)"/.exec(packet)?.[1]))
    for (const name of ['messageBroadcast', 'presence', 'typing', 'channel_joined']) {
      expect(names).not.toContain(name)
    }
  })
})
