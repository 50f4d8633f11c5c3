import { OpenAPIHono, z } from '@hono/zod-openapi'
import { ChannelError, ERRORS } from '../../protocol/errors.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import { refusalsOf, whoMay } from './access-rule.ts'
import type { Endpoint } from './endpoint.ts'
import { errorReply, familyOf } from './errors.ts'

const stringError = z
  .object({
    success: z.literal(false),
    error: z.string(),
    code: z.string(),
    details: z.string().optional(),
  })
  .openapi('MessagingError')

const agentError = z
  .object({
    success: z.literal(false),
    error: z.object({ code: z.string(), message: z.string(), details: z.string().optional() }),
  })
  .openapi('AgentError')

const systemError = z
  .object({
    success: z.literal(false),
    error: z.object({ message: z.string(), code: z.union([z.number(), z.string()]) }),
  })
  .openapi('SystemError')

const keyError = z.object({ error: z.string(), message: z.string() }).openapi('KeyError')

const contentTypeError = z
  .object({
    success: z.literal(false),
    error: z.object({ code: z.literal('INVALID_CONTENT_TYPE'), message: z.string() }),
  })
  .openapi('ContentTypeError')

const FAMILY_SCHEMAS = { messaging: stringError, agents: agentError, system: systemError } as const

function schemaOf(code: ErrorCode, path: string): z.ZodType {
  if (code === 'UNAUTHENTICATED') return keyError
  if (code === 'INVALID_CONTENT_TYPE') return contentTypeError
  return FAMILY_SCHEMAS[familyOf(path)]
}

/** What an endpoint may refuse with: its own codes, and those that its kind brings along. */
function codesOf(endpoint: Endpoint, info: OpenapiInfo): readonly ErrorCode[] {
  const codes: ErrorCode[] = [...(endpoint.errors ?? []), ...refusalsOf(endpoint.access)]
  if (info.hasKeySet && endpoint.access !== 'public') codes.push('AUTH_UNAVAILABLE')
  const isMessaging = endpoint.path.startsWith('/api/messaging')
  if (endpoint.schemas.body) codes.push('INVALID_JSON', 'INVALID_CONTENT_TYPE', 'PAYLOAD_TOO_LARGE')
  if (endpoint.isProbe !== true) codes.push('ORIGIN_FORBIDDEN', 'RATE_LIMITED')
  if (isMessaging && endpoint.method !== 'get') {
    codes.push('OVERLOADED', 'WRITER_UNAVAILABLE', 'STORAGE_FULL')
  }
  if (endpoint.isInfallible !== true) codes.push('INTERNAL')
  return [...new Set(codes)]
}

function errorResponse(codes: readonly ErrorCode[], path: string) {
  const schemas = [...new Set(codes.map((code) => schemaOf(code, path)))]
  const [first = stringError, ...others] = schemas
  const examples = Object.fromEntries(
    codes.map((code) => [code, { value: errorReply(new ChannelError(code), path).json }]),
  )
  const schema = others.length === 0 ? first : z.union([first, ...others])
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    content: { 'application/json': { schema, examples } },
  }
}

function errorResponses(endpoint: Endpoint, info: OpenapiInfo) {
  const codes = codesOf(endpoint, info)
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))]
  return Object.fromEntries(
    statuses.map((status) => {
      const same = codes.filter((code) => ERRORS[code].status === status)
      return [status, errorResponse(same, endpoint.path)]
    }),
  )
}

const redirectTo = (location: string) => ({ Location: z.literal(location) })

function successResponse({ success }: Pick<Endpoint, 'success'>) {
  const { description, schema = z.unknown(), example, contentType = 'application/json' } = success
  const { status, location } = success
  if (location !== undefined) return { description, headers: z.object(redirectTo(location)) }
  if (status === 204) return { description }
  const media = example === undefined ? { schema } : { schema, example }
  return { description, content: { [contentType]: media } }
}

function requestOf({ schemas, bodyExample }: Endpoint) {
  const { params, query, body } = schemas
  const media = body && { schema: body, ...(bodyExample !== undefined && { example: bodyExample }) }
  return {
    ...(params && { params }),
    ...(query && { query }),
    ...(media && { body: { required: true, content: { 'application/json': media } } }),
  }
}

/** What it answers when nothing is refused. */
function answersOf({ success, otherwise }: Endpoint) {
  const usual = { [success.status]: successResponse({ success }) }
  if (otherwise === undefined) return usual
  return {
    ...usual,
    [otherwise.status]: successResponse({ success: { ...success, ...otherwise } }),
  }
}

const KEYS = [{ ApiKey: [] }, { BearerKey: [] }]

function register(app: OpenAPIHono, endpoint: Endpoint, info: OpenapiInfo): void {
  const { method, path, tag, summary, access } = endpoint
  const description = [endpoint.description, whoMay(access)].filter(Boolean).join(' ')
  app.openAPIRegistry.registerPath({
    method,
    path,
    tags: [tag],
    summary,
    ...(description !== '' && { description }),
    ...(endpoint.isDeprecated === true && { deprecated: true }),
    ...(access === 'public' && { security: [] }),
    request: requestOf(endpoint),
    responses: { ...errorResponses(endpoint, info), ...answersOf(endpoint) },
  })
}

export interface OpenapiInfo {
  readonly version: string
  /** In open mode no key is asked for. */
  readonly isOpen: boolean
  /** Tokens are verified with keys that are fetched, which may fail. */
  readonly hasKeySet: boolean
}

const isOld = ({ isDeprecated = false }: Endpoint): boolean => isDeprecated

/** The description of every endpoint, as OpenAPI 3.1 JSON. */
export function describeApi(endpoints: readonly Endpoint[], info: OpenapiInfo): string {
  const app = new OpenAPIHono()
  // What a reader is to use comes first in its group.
  const sorted = [...endpoints.filter((each) => !isOld(each)), ...endpoints.filter(isOld)]
  for (const endpoint of sorted) register(app, endpoint, info)
  const registry = app.openAPIRegistry
  registry.registerComponent('securitySchemes', 'ApiKey', {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-KEY',
  })
  registry.registerComponent('securitySchemes', 'BearerKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'The API key, or a token.',
  })
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version: info.version,
      description:
        'Realtime messaging for AI agents, compatible with elizaOS. Messages also travel over Socket.IO; what is posted here is delivered there, and the other way round.',
    },
    security: info.isOpen ? [{}, ...KEYS] : KEYS,
  })
  return JSON.stringify(document)
}
