import { expect, it } from 'vitest'
import { newId } from '../../src/util/new-id.ts'
import { DEFAULT_SERVER_ID } from '../../src/protocol/limits.ts'
import {
  ask,
  bearer,
  credentials,
  requestTo,
  servedRoutes,
  setScene,
  startGuarded,
} from './support/access-world.ts'
import type { AccessRequest, Place, Role, Scene } from './support/access-world.ts'
import type { RestServer } from './support/rest-server.ts'

type Claims = Readonly<Record<string, unknown>>
type Headers = Record<string, string>

/** The same request said differently: whole, broken, bounded, and asked for without its body. */
const VARIANTS: readonly ((request: AccessRequest) => AccessRequest)[] = [
  (request) => request,
  (request) => ({ ...request, body: [] }),
  (request) => ({ ...request, body: { ...request.body, content: 42, name: 42, entityId: '..' } }),
  (request) => ({ ...request, body: { ...request.body, author_id: 'member' } }),
  (request) => ({ ...request, body: { ...request.body, message_server_id: 'another-server' } }),
  (request) => ({
    ...request,
    body: { ...request.body, messageId: 'taken', visibility: 'public' },
  }),
  (request) => ({ ...request, body: { participantCentralUserIds: ['a', 'b', 'c'] } }),
  (request) => ({ ...request, path: `${request.path}?limit=x&before=never` }),
  (request) => ({ ...request, path: `${request.path}?limit=1&afterSeq=0` }),
  (request) => ({ ...request, path: request.path.replace(/[0-9a-f-]{36}/g, upperCase) }),
  (request) => (request.method === 'GET' ? { ...request, method: 'HEAD' } : request),
]

const upperCase = (text: string): string => text.toUpperCase()

/** All that a client sees of an answer, with names in place of the ids. */
async function seen(
  server: RestServer,
  asked: { readonly request: AccessRequest; readonly scene: Scene; readonly headers: Headers },
): Promise<string> {
  const { request, scene, headers } = asked
  const body = request.method === 'GET' || request.method === 'HEAD' ? undefined : request.body
  const answer = await ask(server, { ...request, body }, headers)
  const text = `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`
  return Object.entries(scene).reduce(
    (known, [name, id]) => known.replaceAll(new RegExp(id, 'gi'), name),
    text,
  )
}

const names = (request: AccessRequest, scene: Scene): boolean =>
  Object.values(scene).some((id) => JSON.stringify(request).toLowerCase().includes(id))

interface Asking {
  readonly place: Place
  readonly headers: Headers
  /** Takes the place away from who asks, where it had it. */
  readonly before?: (server: RestServer, scene: Scene) => Promise<unknown>
}

/** Everything that is answered, by route and variant. */
async function everything(
  server: RestServer,
  asking: Asking,
): Promise<ReadonlyMap<string, string>> {
  const answers = new Map<string, string>()
  for (const route of servedRoutes(server)) {
    for (const [index, vary] of VARIANTS.entries()) {
      const scene = await setScene(server, asking.place)
      const request = vary(requestTo(route, scene))
      if (!names(request, scene)) continue
      await asking.before?.(server, scene)
      const { headers } = asking
      answers.set(`${route} #${index}`, await seen(server, { request, scene, headers }))
    }
  }
  return answers
}

function differing(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] {
  return [...one].filter(([what, answer]) => other.get(what) !== answer).map(([what]) => what)
}

const leave =
  (entityId: string) =>
  ({ log }: RestServer, { channelId }: Scene) =>
    log.append({
      type: 'change-participants',
      id: newId(),
      channelId,
      add: [],
      remove: [entityId],
    })

interface Case {
  readonly who: string
  readonly sub: string
  readonly claims?: Claims
  readonly places: readonly Place[]
  readonly before?: Asking['before']
}

/** Everything in a place of its own server: scenes are many. */
async function answersIn(asking: Asking): Promise<ReadonlyMap<string, string>> {
  await using server = await startGuarded()
  return await everything(server, asking)
}

const CASES: readonly Case[] = [
  { who: 'a user', sub: 'stranger', places: ['private', 'dm', 'deleted'] },
  { who: 'an agent', sub: 'outsider', claims: { role: 'agent' }, places: ['private'] },
  {
    who: 'a user who was removed from it',
    sub: 'member',
    places: ['private'],
    before: leave('member'),
  },
  { who: 'its owner, who left it', sub: 'owner', places: ['private'], before: leave('owner') },
  {
    who: 'an agent who was removed from it',
    sub: 'helper',
    claims: { role: 'agent' },
    places: ['private', 'dm'],
    before: leave('helper'),
  },
  { who: 'a user who took part in it', sub: 'member', places: ['deleted'] },
  {
    who: 'a user whose token allows to read everything',
    sub: 'stranger',
    claims: { channels: { '*': ['read'] } },
    places: ['private'],
  },
  {
    who: 'a user whose token allows nothing',
    sub: 'stranger',
    claims: { channels: {} },
    places: ['private'],
  },
]

it.each(CASES)(
  'a hidden channel and one that does not exist are the same to $who',
  async ({ sub, claims, places, before }) => {
    const headers = await bearer(sub, claims)
    const absent = await answersIn({ place: 'absent', headers })
    expect(absent.size).toBeGreaterThan(400)
    for (const place of places) {
      const hidden = await answersIn({ place, headers, ...(before && { before }) })
      expect(differing(hidden, absent), place).toEqual([])
    }
  },
)

it('to whoever takes part, they are not: what tells them apart would show', async () => {
  await using server = await startGuarded()
  const { member: headers } = await credentials()
  const absent = await everything(server, { place: 'absent', headers })
  const there = await everything(server, { place: 'private', headers })
  expect(differing(there, absent).length).toBeGreaterThan(200)
})

it('no id that is taken can be told from one that is free', async () => {
  await using server = await startGuarded()
  const { stranger, outsider } = await credentials()
  const taken = await setScene(server, 'private')
  const free = await setScene(server, 'absent')
  const room = { name: 'Room', participantCentralUserIds: [] }
  const answers = await Promise.all(
    [taken, free].map(async (scene) => {
      const path = '/api/messaging/channels'
      const request = { method: 'POST', path, body: { ...room, id: scene.channelId } }
      return seen(server, { request, scene, headers: stranger })
    }),
  )
  expect(answers[0]).toMatch(/^403 .*ACCESS_DENIED/)
  expect(answers[1]).toBe(answers[0])

  const { channelId } = await setScene(server, 'public')
  const rows = await Promise.all(
    [taken, free].map(async (scene) => {
      const body = {
        channel_id: channelId,
        content: 'hi',
        source_type: 'agent_response',
        raw_message: {},
        messageId: scene.messageId,
        in_reply_to_message_id: scene.messageId,
      }
      const request = { method: 'POST', path: '/api/messaging/submit', body }
      const text = await seen(server, { request, scene, headers: outsider })
      return text
        .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id')
        .replaceAll(/"seq":\d+|"\d{4}-[^"]*Z"/g, '')
    }),
  )
  expect(rows[0]).toMatch(/^201 /)
  expect(rows[1]).toBe(rows[0])
})

it('lists name a hidden channel as little as one that does not exist', async () => {
  await using server = await startGuarded()
  const headers = await credentials()
  const hidden = await setScene(server, 'private')
  const open = await setScene(server, 'public')
  const lists = [
    'channels',
    'central-channels',
    ...['message-servers', 'central-servers', 'servers'].map(
      (servers) => `${servers}/${DEFAULT_SERVER_ID}/channels`,
    ),
  ]
  for (const list of lists) {
    const idsFor = async (role: Role) => {
      const { body } = await server.call('GET', `/api/messaging/${list}`, undefined, headers[role])
      return body.data.channels.map(({ id }: { readonly id: string }) => id)
    }
    const [all, shown] = [[hidden.channelId, open.channelId], [open.channelId]]
    expect(await idsFor('stranger'), list).toEqual(shown)
    expect(await idsFor('outsider'), list).toEqual(shown)
    for (const role of ['member', 'admin', 'service'] as const) {
      expect(await idsFor(role), list).toEqual(all)
    }
  }
})
