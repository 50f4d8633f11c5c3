import type { IncomingMessage, Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { createAdapter } from '@socket.io/cluster-adapter'
import { ClientAddresses } from '../../gateway/client-address.ts'
import { Limits } from '../../gateway/limits/limits.ts'
import { createIdentity } from '../../gateway/identity/identity.ts'
import type { Identity } from '../../gateway/identity/identity.ts'
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
import { createGatewayServer, listenShared, stopListening } from './http-server.ts'
import { createPrimaryCluster, createPrimaryLogStream } from '../child/primary-cluster.ts'
import type { PrimaryLink } from '../child/primary-link.ts'
import { Neighbours } from './neighbours.ts'
import { boundRequests } from './request-bounds.ts'
import { openPrivateListener } from './private-listener.ts'
import type { PrivateListener } from './private-listener.ts'
import { createMachineClock, machineTimeMs } from '../machine-time.ts'
import { newSessionId } from './session-id.ts'
import { attachSessionRouting } from './session-routing.ts'
import type { SessionRouting } from './session-routing.ts'
import { Traffic } from './traffic.ts'
import { readVersion } from '../version.ts'
import { openWorkerGate } from '../workers/open-worker-gate.ts'
import { isForWorkers } from '../workers/worker-gate.ts'

const DOCS_ASSETS_DIR = fileURLToPath(new URL('../../docs-assets', import.meta.url))

interface Edges {
  readonly server: Server
  readonly sockets: SocketEdge
  readonly routing: SessionRouting
  readonly neighbours: Neighbours
  readonly limits: Limits
  readonly addresses: ClientAddresses
}

/** The check of open mode, as an answer. */
function createAllowance(identity: Identity): (request: IncomingMessage) => boolean {
  return ({ headers }) => {
    try {
      identity.checkOrigin(headers)
      return true
    } catch {
      // Its one error: ORIGIN_FORBIDDEN.
      return false
    }
  }
}

function createEdges({ start, link, logger }: ChildContext, backend: GatewayBackend): Edges {
  const { settings } = start
  const { log, presence, live, quotas } = backend
  const services = createServices({ log, presence, logger, limits: settings })
  const identity = createIdentity(settings, logger)
  const addresses = new ClientAddresses(settings.trustProxy)
  const nowMs = createMachineClock()
  const limits = new Limits({ settings, quotas, addresses, logger, nowMs })
  const app = createHttpApp({
    settings,
    identity,
    limits,
    services,
    cluster: createGatewayCluster(createPrimaryCluster(link), backend),
    logger,
    version: readVersion(),
    docsAssetsDir: DOCS_ASSETS_DIR,
  })
  const listener = getRequestListener(app.fetch, createListenerOptions(settings.corsOrigin, logger))
  const workers = openWorkerGate(link, { identity, limits, addresses, settings })
  const server = createGatewayServer(settings, (request, response) => {
    if (isForWorkers(request)) workers.serve(request, response)
    else void listener(request, response)
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
    identity,
    limits,
  })
  const neighbours = new Neighbours(start.id)
  const routing = attachSessionRouting(server, {
    gatewayId: start.id,
    neighbours,
    isAllowed: createAllowance(identity),
    addressOf: (request) => addresses.keyOf(request),
    handOver: async (to, request, socket) => {
      await link.send({ parley: 'hand-over', to, request }, socket)
      // It is the primary's; here only its shell is left, which the server still counts.
      socket.destroy()
    },
  })
  boundRequests(server, settings)
  return { server, sockets, routing, neighbours, limits, addresses }
}

/** Takes the upgrades that the primary passes, and the table of the other gateways. */
function receiveFromPrimary(link: PrimaryLink, { routing, neighbours }: Edges): void {
  link.watchPeers((peers) => {
    neighbours.set(peers)
  })
  link.onMessage((message, socket) => {
    if (message.parley !== 'upgrade' || socket === undefined) return
    if (machineTimeMs() > message.expiresAtMs) {
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
  readonly traffic: Traffic
}

/** Milliseconds that the last close frames get to leave; what is left then ends with the process. */
const LAST_FRAMES_MS = 500

/** Milliseconds between two looks at whether clients still poll. */
const POLLING_LOOK_MS = 10

/**
 * Stops to take new connections: at once, where others take them or nobody polls. In a stop, clients
 * that poll fetch the answers to what they sent over new connections, until their sessions are closed.
 */
async function closePort({ context, server, sockets, neighbours }: Parts): Promise<void> {
  while (sockets.hasPolling() && neighbours.successor() === undefined) await delay(POLLING_LOOK_MS)
  stopListening(server)
  // A connection that is on its way here from the primary goes back to it, for another gateway. It has to
  // arrive for that: were this process gone by then, the connection would be reset.
  await context.link.ask('round-trip').catch((error: unknown) => {
    // OVERLOADED: the primary stands still, and sends nothing either.
    context.logger.debug({ err: error }, 'the primary did not answer')
  })
}

/**
 * Resolves when every transport is closed and every request answered, those included that kept-alive
 * connections brought meanwhile.
 */
async function finish(parts: Parts): Promise<void> {
  const { context, sockets, neighbours, traffic } = parts
  neighbours.leave()
  traffic.end()
  await Promise.all([closePort(parts), sockets.drain()])
  await context.link.send({ parley: 'sessions-closed' })
  await traffic.ended()
}

/**
 * New sessions are refused first; then everything under way is answered and every transport is
 * closed, for at most `PARLEY_DRAIN_MS`; the log goes last, since requests wait for it.
 */
async function drain(parts: Parts): Promise<void> {
  const { server, sockets, context } = parts
  const abort = new AbortController()
  const timeLimit = delay(context.start.settings.drainMs, undefined, { signal: abort.signal })
  await Promise.race([finish(parts), timeLimit])
  abort.abort()
  await timeLimit.catch(() => undefined)
  stopListening(server)
  parts.privateListener.close()
  parts.routing.close()
  const closed = sockets.close()
  server.closeAllConnections()
  await Promise.race([closed, delay(LAST_FRAMES_MS)])
  parts.limits.close()
  await parts.backend.close()
}

/** Serves clients: REST and Socket.IO on the shared port. */
export async function composeGateway(context: ChildContext): Promise<RunningChild> {
  const { start, link } = context
  const backend = openGatewayBackend(context)
  const edges = createEdges(context, backend)
  const { server, sockets, routing, addresses } = edges
  receiveFromPrimary(link, edges)
  const connected = backend.start((change) => {
    emitPresence(sockets.io, change)
  })
  const traffic = new Traffic(edges.neighbours)
  const privateListener = await openPrivateListener(
    start.privateSocketPath,
    (request, response) => {
      addresses.takeForwarded(request)
      routing.serve(request, response)
    },
  )
  traffic.watchRequests(privateListener.server)
  traffic.watchRequests(server)
  traffic.watchConnections(server)
  await connected
  await listenShared(server, { port: start.port, host: start.settings.host })
  return {
    connectionCount: () => sockets.connectionCount(),
    drain: () => drain({ ...edges, context, backend, privateListener, traffic }),
  }
}
