import { inspect } from 'node:util'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { ChannelError, toChannelError } from '../../protocol/errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { createAccess, presentedKey } from '../auth.ts'
import type { Access, HeaderRecord } from '../auth.ts'
import { checkContentType, readJson } from './body.ts'
import type { HttpDeps, HttpEnv } from './deps.ts'
import type { Endpoint } from './endpoint.ts'
import { allEndpoints } from './endpoints.ts'
import { errorReply } from './errors.ts'
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

const originOf = (c: HttpContext): string | undefined => {
  const { origin } = headersOf(c)
  return typeof origin === 'string' ? origin : undefined
}

const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

interface Guards {
  readonly access: Access
  readonly responder: Responder
  /** Paths that are asked from anywhere, under any name. */
  readonly probes: ReadonlySet<string>
}

/** What every request passes first: where it comes from, its key, and the kind of its body. */
function guard({ access, responder, probes }: Guards): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { path, method } = c.req
    const headers = headersOf(c)
    if (!probes.has(path)) access.checkOrigin(headers)
    if (method === 'OPTIONS') return responder.preflight(originOf(c))
    if (path.startsWith('/api')) {
      if (!access.isKey(presentedKey(headers))) throw new ChannelError('UNAUTHENTICATED')
      if (WITH_BODY.has(method)) checkContentType(headers)
    }
    return next()
  }
}

const COLON_PARAM = /\{(\w+)\}/g

function serve(app: OpenAPIHono<HttpEnv>, endpoint: Endpoint, responder: Responder): void {
  const path = endpoint.path.replaceAll(COLON_PARAM, ':$1')
  app.on(endpoint.method.toUpperCase(), path, async (c) => {
    const headers = headersOf(c)
    const request = {
      params: c.req.param(),
      query: c.req.query(),
      readBody: () => readJson(c.req.raw, headers),
    }
    const reply = await endpoint.run(request).catch(rethrowAsError)
    return responder.respond(reply, originOf(c))
  })
}

/** Hono hands only instances of `Error` to its funnel; some libraries throw other things. */
function rethrowAsError(thrown: unknown): never {
  if (thrown instanceof Error) throw thrown
  throw new Error(`thrown, but no error: ${inspect(thrown, { depth: 1 })}`)
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
  const { settings, logger } = deps
  const access = createAccess(settings)
  const responder = createResponder(settings.corsOrigin)
  const app = new OpenAPIHono<HttpEnv>()
  const endpoints = allEndpoints(deps, access.isOpen)
  const probes = new Set(endpoints.filter(({ isProbe }) => isProbe).map(({ path }) => path))
  app.use('*', guard({ access, responder, probes }))
  for (const endpoint of endpoints) serve(app, endpoint, responder)
  app.notFound((c) =>
    responder.respond(errorReply(new ChannelError('ROUTE_NOT_FOUND'), c.req.path), originOf(c)),
  )
  app.onError((error, c) => responder.respond(refuse(error, c, logger), originOf(c)))
  return app
}
