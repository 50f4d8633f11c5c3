import type { IncomingMessage } from 'node:http'

type Framing = { 'content-length'?: string; 'transfer-encoding'?: 'chunked' }

/** True when a body comes with the request; Node's parser has refused the ambiguous ones. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers
  return encoding !== undefined || (length !== undefined && length !== '0')
}

/**
 * The headers that say where the request's body ends, for the next hop.
 *
 * Said in any case: for GET, HEAD, DELETE and OPTIONS Node adds none by itself and writes the body
 * bare, where the receiver reads it as the next request on the connection.
 */
export function framingOf(request: IncomingMessage): Framing {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  if (encoding === undefined && length === undefined) return {}
  if (encoding === undefined && length !== undefined && /^\d+$/.test(length)) {
    return { 'content-length': length }
  }
  return { 'transfer-encoding': 'chunked' }
}
