import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import { createDeferred } from '../../util/deferred.ts'
import { waitForPort } from '../wait-for-port.ts'

const HTTP_TIMEOUTS = {
  /** For the head of a request: a client that drips one byte at a time holds nothing for long. */
  headersTimeout: 10_000,
  /** For a whole request with its body (2 MiB); a long poll has been received long before it is answered. */
  requestTimeout: 30_000,
  /** Above the 60 s of common proxies, so that it is the proxy that drops an idle connection, not we under its next request. */
  keepAliveTimeout: 65_000,
  /** How often the two above are looked at; Node's own 30 s would let them be 40 s and 60 s. */
  connectionsCheckingInterval: 5_000,
} as const

/**
 * A gateway's http server. Requests that are malformed, take too long, or whose URL, header names and header
 * values together are longer than `maxHeaderBytes`, are answered 400, 408 or 431 by Node itself, which then closes the
 * connection.
 */
export function createGatewayServer(
  { maxHeaderBytes }: { readonly maxHeaderBytes: number },
  listener: RequestListener,
): Server {
  // Node refuses from its number on.
  const options = { ...HTTP_TIMEOUTS, maxHeaderSize: maxHeaderBytes + 1 }
  const server = createServer(options, listener)
  // Node drops what is above a count without a word, and a header that says where a request comes from
  // with it; `boundRequests` refuses instead.
  server.maxHeadersCount = 0
  return server
}

function listenOnce(server: Server, options: { port: number; host: string }): Promise<void> {
  const { promise, resolve, reject } = createDeferred<void>()
  server.once('error', reject)
  server.once('listening', resolve)
  server.listen(options)
  return promise.finally(() => {
    server.off('error', reject)
    server.off('listening', resolve)
  })
}

/** Listens on the shared port. @throws EADDRINUSE when another program has it and keeps it. */
export function listenShared(
  server: Server,
  options: { readonly port: number; readonly host: string },
): Promise<void> {
  return waitForPort(() => listenOnce(server, options))
}

/**
 * Takes no new connections; those that are there stay, idle ones too. (`close` of an http server ends
 * idle ones at once, also those on which the next request is on its way already.)
 */
export function stopListening(server: Server): void {
  NetServer.prototype.close.call(server)
}
