import type { IncomingMessage } from 'node:http'
import { endToEnd } from '../gateway/forward-request.ts'

/** A name or an address, with or without a port: nothing that would make another path of the URL behind it. */
const AUTHORITY = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/**
 * The URL as the client sees it; undefined when its `Host` is none. `https` where a declared proxy says so.
 */
export function urlOf(
  { headers, url = '/' }: IncomingMessage,
  trustProxy: number,
): URL | undefined {
  // HTTP/1.0 has no Host.
  const host = headers.host ?? 'localhost'
  if (!AUTHORITY.test(host)) return undefined
  const proto = trustProxy > 0 ? headers['x-forwarded-proto'] : undefined
  const scheme = proto === 'https' ? 'https' : 'http'
  const text = `${scheme}://${host}${url}`
  return URL.canParse(text) ? new URL(text) : undefined
}

/**
 * A body as a standard stream, read when the worker reads it. (Node's own `Readable.toWeb` destroys the
 * request, and its connection with it, when a worker has enough of a body.)
 */
function bodyOf(request: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Buffer> = request.iterator({ destroyOnReturn: false })
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done === true) controller.close()
      else controller.enqueue(new Uint8Array(value))
    },
    async cancel() {
      await chunks.return?.()
      request.resume()
    },
  })
}

function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(endToEnd(request.headers))) {
    for (const one of [value ?? []].flat()) headers.append(name, one)
  }
  return headers
}

/** @throws TypeError for a method that no Request may have. */
export function webRequestOf(request: IncomingMessage, url: URL, signal: AbortSignal): Request {
  const { method = 'GET' } = request
  const head = { method, headers: headersOf(request), signal }
  if (method === 'GET' || method === 'HEAD') return new Request(url, head)
  return new Request(url, { ...head, body: bodyOf(request), duplex: 'half' })
}
