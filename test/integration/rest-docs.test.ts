import { createRequire } from 'node:module'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../src/protocol/errors.ts'
import type { ErrorCode } from '../../src/protocol/errors.ts'
import { startRest } from './support/rest-server.ts'
import type { RestServer } from './support/rest-server.ts'

const assets = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

interface Operation {
  readonly summary?: string
  readonly description?: string
  readonly security?: readonly object[]
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: Record<string, { schema: unknown; example: unknown }> }
  readonly responses: Record<
    string,
    {
      description: string
      content?: Record<string, { schema?: unknown; example?: unknown; examples?: unknown }>
    }
  >
}

async function operations(server: RestServer): Promise<Map<string, Operation>> {
  const { body } = await server.call('GET', '/openapi.json')
  const paths: Record<string, Record<string, Operation>> = body.paths
  return new Map(
    Object.entries(paths).flatMap(([route, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${route}`,
        operation,
      ]),
    ),
  )
}

describe.each([{}, { apiKey: 's3cret' }])('the description, with settings %j', (settings) => {
  it('lists every route that is served, and no other', async () => {
    await using server = await startRest({ settings })
    const served = server.app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path: route }) => `${method} ${route.replaceAll(/:(\w+)/g, '{$1}')}`)
    const listed = [...(await operations(server)).keys()]
    expect(listed.toSorted()).toEqual(served.toSorted())
    expect(listed.length).toBeGreaterThan(80)
  })
})

function lackingInRequest(name: string, { parameters = [], requestBody }: Operation): string[] {
  const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
  const named = parameters.filter((parameter) => parameter.in === 'path')
  const body = requestBody?.content['application/json']
  const isComplete = requestBody === undefined || (body?.schema && body.example)
  return [
    ...(inPath.join() === named.map((parameter) => parameter.name).join() ? [] : ['parameters']),
    ...(isComplete ? [] : ['body']),
  ]
}

/** They answer from memory. */
const INFALLIBLE = new Set(['GET /', 'GET /healthz', 'GET /readyz'])

function lackingInResponses(name: string, { responses }: Operation): string[] {
  const fallible = name.includes(' /api/') ? ['401', '500'] : ['500']
  const expected = INFALLIBLE.has(name) ? [] : fallible
  const missing = expected.filter((status) => responses[status] === undefined)
  const poor = Object.entries(responses).filter(([status, { content }]) => {
    const [media, ...others] = Object.values(content ?? {})
    if (others.length > 0 || (media === undefined) !== ['204', '302'].includes(status)) return true
    return Number(status) >= 400 && (media?.examples ?? media?.example) === undefined
  })
  return [...missing, ...poor.map(([status]) => status)]
}

describe('every operation', () => {
  it('has its parameters, a schema and an example of its body, and what it refuses', async () => {
    await using server = await startRest()
    const lacking = [...(await operations(server))].flatMap(([name, operation]) =>
      [...lackingInRequest(name, operation), ...lackingInResponses(name, operation)].map(
        (what) => `${name}: ${what}`,
      ),
    )
    expect(lacking).toEqual([])
  })

  it('of the older names is marked as such', async () => {
    await using server = await startRest()
    const { body } = await server.call('GET', '/openapi.json')
    const older = '/api/messaging/central-channels/{channelId}/messages'
    expect(body.paths[older].post.deprecated).toBe(true)
    expect(body.paths[older.replace('central-', '')].post.deprecated).toBeUndefined()
  })
})

/** The codes among these that an operation does not say it refuses with. */
function unsaid(codes: readonly ErrorCode[], { responses }: Operation): readonly ErrorCode[] {
  return codes.filter(
    (code) => !responses[ERRORS[code].status]?.description.includes(`\`${code}\``),
  )
}

it('who may use an operation is described, and how the others are refused', async () => {
  await using server = await startRest({ settings: { apiKey: 's3cret' } })
  const all = [...(await operations(server))]
  const lacking = all.flatMap(([name, operation]) => {
    if (operation.security?.length === 0) {
      return operation.responses['401'] === undefined ? [] : [`${name}: 401`]
    }
    // A stream that goes on is no message yet: there the channel decides.
    const isAboutMessage = / \/api\/messaging\/.*\{messageId\}(?!\/cancel)/.test(name)
    if (!isAboutMessage && !name.includes('{channelId}')) return []
    const hidden = isAboutMessage ? 'MESSAGE_NOT_FOUND' : 'CHANNEL_NOT_FOUND'
    const codes = unsaid(['UNAUTHENTICATED', 'TOKEN_EXPIRED', 'ACCESS_DENIED', hidden], operation)
    const isDescribed = operation.description?.includes('For ') === true
    return [...codes, ...(isDescribed ? [] : ['description'])].map((what) => `${name}: ${what}`)
  })
  expect(lacking).toEqual([])
  const open = all.filter(([, { security }]) => security?.length === 0).map(([name]) => name)
  expect(open.filter((name) => name.includes('/api/'))).toEqual([])
  const administration = all.filter(([, { description }]) => description?.includes('For admin'))
  expect(administration.map(([name]) => name)).toContain('POST /api/server/stop')
})

it('probes list what they answer, and nothing that they never do', async () => {
  await using server = await startRest()
  const all = await operations(server)
  const statuses = (name: string) => Object.keys(all.get(name)?.responses ?? {})
  expect(statuses('GET /healthz')).toEqual(['200'])
  expect(statuses('GET /readyz')).toEqual(['200', '503'])
  expect(statuses('GET /health')).toEqual(['200', '500'])
  expect(statuses('GET /api/server/health')).toEqual(['200', '401', '403', '429', '500'])
  expect(statuses('GET /docs')).toEqual(['200', '403', '429', '500'])
})

it.each(['GET', 'HEAD'])('%s / leads to the page', async (method) => {
  await using server = await startRest()
  const { status, headers } = await server.call(method, '/')
  expect(status).toBe(302)
  expect(headers.get('location')).toBe('/docs')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  const foreign = await server.call(method, '/', undefined, { 'x-forwarded-for': '1.2.3.4' })
  expect(foreign.status).toBe(403)
  expect(Object.keys((await operations(server)).get('GET /')?.responses ?? {})).toContain('302')
})

it('examples of bodies are accepted as they stand', async () => {
  await using server = await startRest()
  const call = server.call.bind(server)
  const create = { id: '550e8400-e29b-41d4-a716-446655440000', name: 'x' }
  const serverId = '00000000-0000-0000-0000-000000000000'
  const room = { ...create, message_server_id: serverId, participantCentralUserIds: [] }
  await call('POST', '/api/messaging/channels', room)
  const refused: string[] = []
  for (const [name, operation] of await operations(server)) {
    const example = operation.requestBody?.content['application/json']?.example
    const [method = '', route = ''] = name.split(' ')
    if (example === undefined || !name.includes('/messaging/')) continue
    const url = route
      .replace('{channelId}', create.id)
      .replace('{messageServerId}', serverId)
      .replace('{messageId}', 'none')
    const { status, body } = await call(method, url, example)
    const isKnown = !url.endsWith('none') || body.code !== 'MESSAGE_NOT_FOUND'
    if (status >= 400 && isKnown) refused.push(`${name}: ${status} ${JSON.stringify(body)}`)
  }
  expect(refused).toEqual([])
})

describe('the page', () => {
  it('loads everything from the server itself, with no inline script', async () => {
    await using server = await startRest({ docsAssetsDir: assets })
    const { headers, body: html } = await server.call('GET', '/docs')
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("script-src 'self';")
    const links = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, link]) => link)
    expect(links).toContain('docs/swagger-ui-bundle.js')
    for (const link of links.filter((target) => !target.startsWith('data:'))) {
      expect(link).not.toMatch(/^(?:https?:)?\/\//)
      const { status } = await server.call('GET', new URL(link, `${server.url}/docs`).pathname)
      expect(status, link).toBe(200)
    }
    expect(html).not.toMatch(/<script>|<script[^>]*>[^<]/)
  })

  it.each([
    ['swagger-ui.css', 'text/css; charset=utf-8'],
    ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['init.js', 'text/javascript; charset=utf-8'],
  ])('serves %s as %s', async (name, type) => {
    await using server = await startRest({ docsAssetsDir: assets })
    const { status, headers } = await server.call('GET', `/docs/${name}`)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe(type)
  })

  it('without its assets is 404, and says so in the log', async () => {
    await using server = await startRest()
    expect((await server.call('GET', '/docs/swagger-ui.css')).status).toBe(404)
    expect(server.lines).toMatchObject([{ level: 40, msg: 'documentation asset missing' }])
  })
})
