import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { createDeferred } from '../../util/deferred.ts'

export interface PrivateListener {
  readonly server: Server
  close(): void
}

/** Above what any gateway lets in from outside, so that what one took the next one takes too. */
const MAX_HEADER_BYTES = 262_144

/**
 * Takes, on a Unix socket, the requests that reached other gateways and belong to this one.
 *
 * `exclusive` keeps node:cluster from sharing it. Idle connections stay: the peers pool them, and one that
 * closed just when it is used again would look like a gateway that died.
 */
export async function openPrivateListener(
  path: string,
  listener: RequestListener,
): Promise<PrivateListener> {
  const options = { keepAliveTimeout: 0, requestTimeout: 0, maxHeaderSize: MAX_HEADER_BYTES }
  const server = createServer(options, listener)
  server.maxHeadersCount = 0
  const { promise, resolve, reject } = createDeferred<void>()
  server.once('error', reject)
  server.listen({ path, exclusive: true }, resolve)
  await promise
  return {
    server,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
