import { createRequire } from 'node:module'
import path from 'node:path'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import type { ChannelDraft } from '../../../src/log/log.ts'
import { newId } from '../../../src/util/new-id.ts'
import { startRest } from './rest-server.ts'
import type { Answer, RestServer } from './rest-server.ts'
import { claimsOf, SECRET, signed } from './tokens.ts'

export const API_KEY = 'the key of services'

/** Who asks, in the order of the table's columns. */
export const ROLES = [
  'nobody',
  'forger',
  'stranger',
  'member',
  'owner',
  'helper',
  'outsider',
  'admin',
  'service',
] as const
export type Role = (typeof ROLES)[number]

/** What is asked about. `deleted`: there was such a channel, with such messages. `dm`: of two others. */
const PLACES = ['private', 'public', 'absent', 'deleted', 'dm'] as const
export type Place = (typeof PLACES)[number]

const docsAssetsDir = path.dirname(
  createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'),
)

/** A server on which the helper is what a worker called `desk` is. */
export async function startGuarded(): Promise<RestServer> {
  const server = await startRest({
    settings: { jwtSecret: SECRET, apiKey: API_KEY },
    docsAssetsDir,
  })
  const agent = { id: 'helper', name: 'Helper' }
  const workers = [{ name: 'desk', file: 'desk.ts', agent, handlers: ['message'] }]
  server.cluster.workers = async () => workers
  return server
}

/** Headers of whoever holds a token of this server's. */
export async function bearer(
  sub: string,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await signed(claimsOf(sub, claims))}` }
}

/** What each of them sends to prove who they are. */
export async function credentials(): Promise<Record<Role, Record<string, string>>> {
  const forged = await signed(claimsOf('owner', { role: 'admin' }), `${SECRET}, but another`)
  return {
    nobody: {},
    forger: { authorization: `Bearer ${forged}` },
    stranger: await bearer('stranger'),
    member: await bearer('member', { role: 'user' }),
    owner: await bearer('owner'),
    helper: await bearer('helper', { role: 'agent' }),
    outsider: await bearer('outsider', { role: 'agent' }),
    admin: await bearer('root', { role: 'admin' }),
    service: { 'x-api-key': API_KEY },
  }
}

/** A channel, whether there is one or not, and messages in it. */
export interface Scene {
  readonly channelId: string
  /** Written by the member. */
  readonly messageId: string
  /** Written by the helper. */
  readonly actionId: string
}

function draftOf(place: Place, id: string): ChannelDraft {
  const draft = {
    id,
    serverId: DEFAULT_SERVER_ID,
    name: 'Room',
    type: place === 'dm' ? 'DM' : 'GROUP',
    visibility: place === 'public' ? 'public' : 'private',
    metadata: {},
  } as const
  const pair = place === 'dm'
  return {
    ...draft,
    ...(!pair && { ownerId: 'owner' }),
    participants: [
      ...(pair ? [] : [{ entityId: 'owner', isAgent: false }]),
      { entityId: 'member', isAgent: false },
      { entityId: 'helper', isAgent: true },
    ],
  }
}

/** Builds a place of its own for one request, so that what it changes is nobody else's. */
export async function setScene({ log }: RestServer, place: Place): Promise<Scene> {
  const scene = { channelId: newId(), messageId: newId(), actionId: newId() }
  if (place === 'absent') return scene
  const { channelId } = scene
  const channel = draftOf(place, channelId)
  await log.append({ type: 'create-channel', id: newId(), channel })
  const post = (id: string, authorId: string) =>
    log.append({
      type: 'post',
      id,
      message: { id, channelId, authorId, body: { text: 'a secret', source: 'test' } },
    })
  await post(scene.messageId, 'member')
  await post(scene.actionId, 'helper')
  // Whoever asked before may have stopped it.
  await log.append({ type: 'start-agent', id: newId(), agentId: 'helper' })
  if (place === 'deleted') await log.append({ type: 'delete-channel', id: newId(), channelId })
  return scene
}

const ALIASES: readonly (readonly [older: RegExp, name: string])[] = [
  [/^(\w+ \/api\/messaging)\/central-channels(?=\/|$)/, '$1/channels'],
  [/^(\w+ \/api\/messaging)\/(?:central-)?servers(?=\/|$)/, '$1/message-servers'],
]

/** The route of which this is an older name, or the route itself. */
export function currentName(route: string): string {
  return ALIASES.reduce((name, [older, replacement]) => name.replace(older, replacement), route)
}

/** Every route that is served, as `GET /path/{parameter}`. */
export function servedRoutes({ app }: RestServer): readonly string[] {
  return app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path: route }) => `${method} ${route.replaceAll(/:(\w+)/g, '{$1}')}`)
}

const raw = { source_type: 'agent_response', raw_message: { text: 'hi' } }

/** What is sent in a body, by the route's current name; `author_id` is left to the token. */
const BODIES: Record<string, (scene: Scene) => object> = {
  'POST /api/messaging/channels': () => ({ name: 'Room', participantCentralUserIds: [] }),
  'PATCH /api/messaging/channels/{channelId}': () => ({ name: 'Another name' }),
  'POST /api/messaging/channels/{channelId}/messages': () => ({ content: 'hi' }),
  'PATCH /api/messaging/channels/{channelId}/messages/{messageId}': () => ({ content: 'edited' }),
  'PATCH /api/messaging/messages/{messageId}': () => ({ content: 'edited' }),
  'POST /api/messaging/channels/{channelId}/participants': () => ({ entityId: 'newcomer' }),
  'POST /api/messaging/channels/{channelId}/agents': () => ({ agentId: 'new-agent' }),
  'POST /api/messaging/message-servers': () => ({ name: 'Server', sourceType: 'test' }),
  'POST /api/messaging/message-servers/{messageServerId}/agents': () => ({ agentId: 'helper' }),
  'POST /api/messaging/submit': ({ channelId }) => ({
    channel_id: channelId,
    content: 'hi',
    ...raw,
  }),
  'POST /api/messaging/action': ({ channelId }) => ({
    channel_id: channelId,
    content: 'hi',
    ...raw,
  }),
  'PATCH /api/messaging/action/{messageId}': () => ({ content: 'done' }),
  'POST /api/messaging/ingest-external': ({ channelId }) => ({
    channel_id: channelId,
    content: 'hi',
  }),
  'POST /api/agents': ({ messageId }) => ({
    name: `Agent ${messageId}`,
    url: 'https://agents.example/',
  }),
  'PATCH /api/agents/{agentId}': () => ({ bio: 'Another one.' }),
  'POST /api/messaging/complete': ({ channelId }) => ({ channel_id: channelId }),
}

const QUERIES: Record<string, string> = {
  'GET /api/messaging/dm-channel': '?currentUserId=owner&targetUserId=member',
}

export interface AccessRequest {
  readonly method: string
  readonly path: string
  readonly body: object | undefined
}

function fill(route: string, scene: Scene): string {
  const isAction = route.includes('/action/')
  const isAgent = /(?:\{channelId\}|\/api)\/agents\//.test(route)
  return route
    .replace('{channelId}', scene.channelId)
    .replace('{messageId}', isAction ? scene.actionId : scene.messageId)
    .replace('{messageServerId}', DEFAULT_SERVER_ID)
    .replace('{entityId}', 'member')
    .replace('{name}', 'desk')
    .replace('{agentId}', isAgent ? 'helper' : 'some-agent')
}

/** What is sent to a route about a scene. */
export function requestTo(route: string, scene: Scene): AccessRequest {
  const name = currentName(route)
  const [method = '', target = ''] = route.split(' ')
  return {
    method,
    path: fill(target, scene) + (QUERIES[name] ?? ''),
    body: BODIES[name]?.(scene),
  }
}

/** A service has no entity of its own and says for whom it writes. */
export function signedBy(role: Role, request: AccessRequest): AccessRequest {
  const { method, body } = request
  const isPosting = method === 'POST' && body !== undefined && 'content' in body
  if (!isPosting || role !== 'service') return request
  return { ...request, body: { ...body, author_id: 'member' } }
}

/** Sends it without a port in between: the table asks thousands of times. */
export async function ask(
  { app }: RestServer,
  { method, path: target, body }: AccessRequest,
  headers: Record<string, string>,
): Promise<Response> {
  return app.request(target, {
    method,
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

export type Call = (method: string, path: string, body?: unknown) => Promise<Answer>

const API = '/api/messaging'

/** Calls as the holder of a token: a user, unless its claims say something else. */
export async function as(
  server: RestServer,
  sub: string,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<Call> {
  const headers = await bearer(sub, claims)
  return (method, target, body) => server.call(method, API + target, body, headers)
}

/** Calls with the key. */
export function asService(server: RestServer): Call {
  return (method, target, body) => server.call(method, API + target, body, { 'x-api-key': API_KEY })
}

/** Makes a channel, whose id is answered. */
export async function createRoom(call: Call, fields: object = {}): Promise<string> {
  const room = { name: 'Room', participantCentralUserIds: [], ...fields }
  const { status, body } = await call('POST', '/channels', room)
  if (status !== 201) throw new Error(`no channel: ${JSON.stringify(body)}`)
  return body.data.id
}

/** Who takes part, as the log has it. */
export async function idsOf(
  { log }: RestServer,
  channelId: string,
): Promise<readonly string[] | undefined> {
  const channel = await log.channel(channelId)
  return channel?.participants.map(({ entityId }) => entityId)
}
