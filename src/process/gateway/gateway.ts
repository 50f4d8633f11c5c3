import type { IncomingMessage, Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { createAdapter } from '@socket.io/cluster-adapter'
import { createAccess } from '../../gateway/auth.ts'
import type { Access } from '../../gateway/auth.ts'
import { createHttpApp } from '../../gateway/http/app.ts'
import { createListenerOptions } from '../../gateway/http/malformed.ts'
import { openSocketServer } from '../../gateway/socket/server.ts'
import type { SocketEdge } from '../../gateway/socket/server.ts'
import { createServices } from '../../service/services.ts'
import { createClusterSignals, emitPresence } from '../../signals/cluster-signals.ts'
import type { ChildContext, RunningChild } from '../child/child.ts'
import { createGatewayCluster } from './gateway-cluster.ts'
import { openGatewayBackend } from './gateway-backend.ts'
import type { GatewayBackend } from './gateway-backend.ts'
import { createGatewayServer, listenShared, RequestTracker } from './http-server.ts'
import { createPrimaryCluster, createPrimaryLogStream } from '../child/primary-cluster.ts'
import type { PrimaryLink } from '../child/primary-link.ts'
import { openPrivateListener } from './private-listener.ts'
import type { PrivateListener } from './private-listener.ts'
import { newSessionId } from './session-id.ts'
import { attachSessionRouting } from './session-routing.ts'
import type { SessionRouting } from './session-routing.ts'
import { readVersion } from '../version.ts'

const DOCS_ASSETS_DIR = fileURLToPath(new URL('../../docs-assets', import.meta.url))

interface Edges {
  readonly server: Server
  readonly sockets: SocketEdge
  readonly routing: SessionRouting
}

/** The check of open mode, as an answer. */
function createAllowance(access: Access): (request: IncomingMessage) => boolean {
  return ({ headers }) => {
    try {
      access.checkOrigin(headers)
      return true
    } catch {
      // Its one error: ORIGIN_FORBIDDEN.
      return false
    }
  }
}

function createEdges({ start, link, logger }: ChildContext, backend: GatewayBackend): Edges {
  const { settings } = start
  const { log, presence, live } = backend
  const services = createServices({ log, presence, logger })
  const app = createHttpApp({
    settings,
    services,
    cluster: createGatewayCluster(createPrimaryCluster(link), backend),
    logger,
    version: readVersion(),
    docsAssetsDir: DOCS_ASSETS_DIR,
  })
  const access = createAccess(settings)
  const listener = getRequestListener(app.fetch, createListenerOptions(settings.corsOrigin, logger))
  const server = createGatewayServer((request, response) => {
    void listener(request, response)
  })
  const sockets = openSocketServer({
    httpServer: server,
    adapter: createAdapter(),
    settings,
    services,
    live,
    logStream: createPrimaryLogStream(link),
    createSignals: createClusterSignals,
    logger,
    generateSessionId: () => newSessionId(start.id),
    access,
  })
  const routing = attachSessionRouting(server, {
    gatewayId: start.id,
    isAllowed: createAllowance(access),
    handOver: async (to, request, socket) => {
      await link.send({ parley: 'hand-over', to, request }, socket)
      // It is the primary's; here only its shell is left, which the server still counts.
      socket.destroy()
    },
  })
  return { server, sockets, routing }
}

/** Takes the upgrades that the primary passes, and the table of the other gateways. */
function receiveFromPrimary(link: PrimaryLink, routing: SessionRouting): void {
  link.watchPeers((peers) => {
    routing.setPeers(peers)
  })
  link.onMessage((message, socket) => {
    if (message.parley !== 'upgrade' || socket === undefined) return
    if (Date.now() > message.expiresAt) {
      // The primary has answered and closed it; the connection ends with this last copy.
      socket.destroy()
      return
    }
    void link.send({ parley: 'taken', handOverId: message.handOverId })
    routing.acceptUpgrade(message.request, socket)
  })
}

interface Parts extends Edges {
  readonly context: ChildContext
  readonly backend: GatewayBackend
  readonly privateListener: PrivateListener
  readonly tracker: RequestTracker
}

/**
 * New connections are refused first; then everything under way is answered and every transport is
 * closed, for at most `PARLEY_DRAIN_MS`; the log goes last, since requests wait for it.
 */
async function drain(parts: Parts): Promise<void> {
  const { server, sockets, tracker, context } = parts
  server.close()
  const abort = new AbortController()
  const timeLimit = delay(context.start.settings.drainMs, undefined, { signal: abort.signal })
  const finished = Promise.all([sockets.drain(), tracker.drain()])
  await Promise.race([finished, timeLimit])
  abort.abort()
  await timeLimit.catch(() => undefined)
  parts.privateListener.close()
  parts.routing.close()
  await sockets.close()
  server.closeAllConnections()
  await parts.backend.close()
}

/** Serves clients: REST and Socket.IO on the shared port. */
export async function composeGateway(context: ChildContext): Promise<RunningChild> {
  const { start, link } = context
  const backend = openGatewayBackend(context)
  const edges = createEdges(context, backend)
  const { server, sockets, routing } = edges
  receiveFromPrimary(link, routing)
  const connected = backend.start((change) => {
    emitPresence(sockets.io, change)
  })
  const tracker = new RequestTracker()
  const privateListener = await openPrivateListener(
    start.privateSocketPath,
    (request, response) => {
      routing.serve(request, response)
    },
  )
  tracker.watch(privateListener.server)
  tracker.watch(server)
  await connected
  await listenShared(server, { port: start.port, host: start.settings.host })
  return {
    connectionCount: () => sockets.connectionCount(),
    drain: () => drain({ ...edges, context, backend, privateListener, tracker }),
  }
}
