import type { Reply } from './reply.ts'

const SECURITY = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
} as const

const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'GET,POST,PUT,DELETE,PATCH,OPTIONS',
  'Access-Control-Allow-Headers': 'Content-Type,Authorization,X-API-KEY,X-Entity-Id',
  'Access-Control-Max-Age': '86400',
} as const

/** Encodes replies. The headers of a process are fixed records: nothing is built per request. */
export interface Responder {
  respond(reply: Reply, origin: string | undefined): Response
  preflight(origin: string | undefined): Response
}

type Headers = Readonly<Record<string, string>>

/** Cross-origin headers by origin; credentials are never allowed, whatever is configured. */
function corsByOrigin(corsOrigin: string): (origin: string | undefined) => Headers {
  const allowed = new Set(corsOrigin.split(',').map((origin) => origin.trim()))
  if (allowed.has('*')) {
    const everyone: Headers = { ...SECURITY, 'Access-Control-Allow-Origin': '*' }
    return () => everyone
  }
  const nobody: Headers = { ...SECURITY, Vary: 'Origin' }
  const byOrigin = new Map(
    [...allowed].map((origin) => [origin, { ...nobody, 'Access-Control-Allow-Origin': origin }]),
  )
  return (origin) => (origin === undefined ? nobody : (byOrigin.get(origin) ?? nobody))
}

const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' } as const

export function createResponder(corsOrigin: string): Responder {
  const headersFor = corsByOrigin(corsOrigin)
  return {
    respond(reply, origin) {
      const base = headersFor(origin)
      const { status, json, content } = reply
      if (content !== undefined) {
        const headers = { ...base, 'Content-Type': content.type, ...reply.headers }
        return new Response(content.data, { status, headers })
      }
      if (json === undefined) {
        return new Response(null, { status, headers: { ...base, ...reply.headers } })
      }
      const headers = { ...base, ...JSON_TYPE, ...reply.headers }
      return new Response(JSON.stringify(json), { status, headers })
    },
    preflight: (origin) =>
      new Response(null, { status: 204, headers: { ...headersFor(origin), ...PREFLIGHT } }),
  }
}
