import { inspect } from 'node:util'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { ChannelError, toChannelError } from '../../protocol/errors.ts'
import type { Access } from '../../service/access.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { HeaderRecord } from '../auth.ts'
import type { Identity } from '../identity/identity.ts'
import type { Limits } from '../limits/limits.ts'
import { checkContentType, isForm, readJson } from './body.ts'
import type { HttpDeps, HttpEnv } from './deps.ts'
import type { Endpoint } from './endpoint.ts'
import { allEndpoints } from './endpoints.ts'
import { errorReply, InvalidRequest } from './errors.ts'
import { createResponder } from './respond.ts'
import type { Responder } from './respond.ts'

export type { HttpDeps } from './deps.ts'

type HttpContext = Context<HttpEnv>

/** Node's own header record where there is one: nothing is copied on the hot path. */
function headersOf(c: HttpContext): HeaderRecord {
  // Bindings are absent when the app is called without a server, whatever the type says.
  const env: Partial<HttpEnv['Bindings']> | undefined = c.env
  if (env?.incoming !== undefined) return env.incoming.headers
  const headers = Object.fromEntries(c.req.raw.headers)
  const isUnmeasured = c.req.raw.body !== null && headers['content-length'] === undefined
  return isUnmeasured ? { ...headers, 'transfer-encoding': 'chunked' } : headers
}

/** Absent when the app is called without a server. */
function incomingOf(c: HttpContext) {
  const env: Partial<HttpEnv['Bindings']> | undefined = c.env
  return env?.incoming
}

const originOf = (c: HttpContext): string | undefined => {
  const { origin } = headersOf(c)
  return typeof origin === 'string' ? origin : undefined
}

const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

interface Guards {
  readonly identity: Identity
  readonly limits: Limits
  readonly responder: Responder
  /** Paths that are asked from anywhere, under any name. */
  readonly probes: ReadonlySet<string>
  /** Paths at which nobody is asked who calls. */
  readonly open: ReadonlySet<string>
}

/** What every request passes first: where it comes from, who sends it, and the kind of its body. */
function guard({ identity, limits, responder, probes, open }: Guards): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { path, method } = c.req
    const headers = headersOf(c)
    if (!probes.has(path)) identity.checkOrigin(headers)
    const incoming = incomingOf(c)
    if (method === 'OPTIONS') {
      limits.takeProbe(incoming)
      return responder.preflight(originOf(c))
    }
    const isAsked = path.startsWith('/api') && !open.has(path)
    if (isAsked) {
      const identify = () => identity.callerOfRequest(headers)
      c.set('caller', await limits.identified(incoming, identify))
    } else if (probes.has(path)) limits.takeProbe(incoming)
    else limits.takeRequest(incoming, undefined)
    if (path.startsWith('/api')) {
      if (WITH_BODY.has(method)) checkContentType(headers)
    }
    return next()
  }
}

const COLON_PARAM = /\{(\w+)\}/g

interface Serving {
  readonly responder: Responder
  readonly access: Access
}

function serve(app: OpenAPIHono<HttpEnv>, endpoint: Endpoint, serving: Serving): void {
  const { responder, access } = serving
  const path = endpoint.path.replaceAll(COLON_PARAM, ':$1')
  app.on(endpoint.method.toUpperCase(), path, async (c) => {
    const headers = headersOf(c)
    const request = {
      caller: c.get('caller'),
      params: c.req.param(),
      query: c.req.query(),
      readBody: () => readJson(c.req.raw, headers),
    }
    const reply = await endpoint.run(request, access).catch((thrown: unknown) => {
      throw explained(asError(thrown), headers)
    })
    return responder.respond(reply, originOf(c))
  })
}

/** Hono hands only instances of `Error` to its funnel; some libraries throw other things. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new Error(`thrown, but no error: ${inspect(thrown, { depth: 1 })}`)
}

/** What `curl -d` sends unless it is told otherwise: as in elizaOS all fields are missing, and here it says why. */
const FORM_HINT =
  'the body is a form, which is not read: send JSON with Content-Type: application/json'

function explained(error: Error, headers: HeaderRecord): Error {
  if (!(error instanceof InvalidRequest) || error.isOfPath || !isForm(headers)) return error
  return new InvalidRequest(error.message, FORM_HINT)
}

/** The one funnel: refusals become their envelope, everything else is a bug that only the log sees. */
function refuse(error: unknown, c: HttpContext, logger: Logger) {
  const refusal = toChannelError(error)
  const { path, method } = c.req
  if (refusal.code === 'INTERNAL') {
    logger.error({ err: refusal.cause ?? refusal, method, path }, 'request failed')
  } else if (refusal.status >= 500) {
    logger.warn({ code: refusal.code, method, path }, 'request refused')
  }
  return errorReply(refusal, path)
}

/** The REST edge, without a port of its own: hand its `fetch` to a server. */
export function createHttpApp(deps: HttpDeps): OpenAPIHono<HttpEnv> {
  const { settings, identity, limits, logger, services } = deps
  const responder = createResponder(settings.corsOrigin)
  const app = new OpenAPIHono<HttpEnv>()
  const endpoints = allEndpoints(deps, identity.isOpen)
  const pathsWhere = (isWanted: (endpoint: Endpoint) => boolean) =>
    new Set(endpoints.filter(isWanted).map(({ path }) => path))
  const probes = pathsWhere(({ isProbe }) => isProbe === true)
  const open = pathsWhere(({ access }) => access === 'public')
  app.use('*', guard({ identity, limits, responder, probes, open }))
  for (const endpoint of endpoints) serve(app, endpoint, { responder, access: services.access })
  app.notFound((c) =>
    responder.respond(errorReply(new ChannelError('ROUTE_NOT_FOUND'), c.req.path), originOf(c)),
  )
  app.onError((error, c) => responder.respond(refuse(error, c, logger), originOf(c)))
  return app
}
