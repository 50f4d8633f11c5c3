import type { Server as HttpServer } from 'node:http'
import { Server } from 'socket.io'
import type { ServerOptions } from 'socket.io'
import type { Settings } from '../../config/settings.ts'
import { CLOSE_CODES } from '../../protocol/close-codes.ts'
import { toChannelError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { EVENTS, TEXTS } from '../../protocol/wire.ts'
import type { LogStream } from '../../service/cluster.ts'
import type { LiveChannels } from '../../service/live.ts'
import type { Services } from '../../service/services.ts'
import type { Signals } from '../../signals/signals.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Identity } from '../identity/identity.ts'
import type { Limits } from '../limits/limits.ts'
import { admitCallers } from './admit-callers.ts'
import { guardConnects } from './connect-guard.ts'
import { Connection } from './connection.ts'
import { removeMembership } from './commands/leave.ts'
import { dispatch } from './dispatch.ts'
import { drainConnections, isPolling } from './drain.ts'
import type { Edge } from './edge.ts'
import { Encoder } from './encoder.ts'
import { readFairly } from './fair-reading.ts'
import { LogSubscriptions } from './log-subscriptions.ts'
import { guardPackets } from './packet-guard.ts'
import { Roster } from './roster.ts'
import { TokenExpiries } from './token-expiries.ts'

export interface SocketDeps {
  readonly httpServer: HttpServer
  /** Carries typing to the other gateways. */
  readonly adapter: NonNullable<ServerOptions['adapter']>
  readonly settings: Settings
  readonly services: Services
  readonly live: LiveChannels
  readonly logStream: LogStream
  readonly createSignals: (io: Server) => Signals
  readonly logger: Logger
  /** Engine.IO session ids that say which gateway they belong to. */
  readonly generateSessionId: () => string
  readonly identity: Identity
  readonly limits: Limits
}

/** The Socket.IO side of a gateway. */
export interface SocketEdge {
  readonly io: Server
  connectionCount(): number
  /** Whether clients are connected that poll, and so open HTTP connections while they are. */
  hasPolling(): boolean
  /** Closes all transports with "reconnect now", spread over the drain time; resolves when none is left. */
  drain(): Promise<void>
  close(): Promise<void>
}

function createServer(deps: SocketDeps): Server {
  const { corsOrigin } = deps.settings
  const origin = corsOrigin.includes(',')
    ? corsOrigin.split(',').map((one) => one.trim())
    : corsOrigin
  const io = new Server(deps.httpServer, {
    adapter: deps.adapter,
    cors: { origin, methods: ['GET', 'POST'] },
    // The elizaOS server's numbers: clients size their frames and time-outs by them.
    pingInterval: 25_000,
    pingTimeout: 20_000,
    connectTimeout: 10_000,
    maxHttpBufferSize: LIMITS.maxFrameBytes,
    // Ready-made frames cannot be compressed, and compression costs more memory than it saves here.
    perMessageDeflate: false,
    allowRequest: (request, answer) => {
      try {
        deps.identity.checkOrigin(request.headers)
        deps.limits.takeSession(request)
        answer(null, true)
      } catch (error) {
        answer(toChannelError(error).message, false)
      }
    },
  })
  io.engine.generateId = deps.generateSessionId
  guardConnects(io)
  guardPackets(io, deps.settings)
  readFairly(io)
  return io
}

function greet(connection: Connection): void {
  const { entityId } = connection
  if (entityId !== undefined) {
    connection.emit(EVENTS.authenticated, { entityId, timestamp: Date.now() })
  }
  connection.emit(EVENTS.connectionEstablished, {
    message: TEXTS.connected,
    socketId: connection.id,
  })
}

/** Behind joins that are still under way, so that none is left standing. */
async function takeDown(edge: Edge, connection: Connection): Promise<void> {
  edge.logs.remove(connection)
  connection.close()
  const removals = [...connection.channelIds()].map((channelId) =>
    connection.move(channelId, () => removeMembership(edge, connection, channelId)),
  )
  await Promise.all(removals)
}

function serve(edge: Edge, connection: Connection): void {
  const { socket } = connection
  socket.onAny((event: string | number, ...args: unknown[]) => {
    dispatch(edge, connection, [event, ...args]).catch((error: unknown) => {
      // Nothing is known that arrives here; a fault of ours must not end the gateway for everybody.
      edge.logger.error({ err: error }, 'event not handled')
    })
  })
  // A client may emit an event of this name; without a listener Node would end the process.
  socket.on('error', (error: unknown) => {
    // What a client sends under this name is not even to be turned into text: it may have no `toString`.
    const reason = error instanceof Error ? error.message : 'sent by the client'
    edge.logger.debug({ socketId: socket.id, reason }, 'socket error')
  })
  greet(connection)
}

/** Nothing that the client has sent already is looked at any more; stock clients come back in a while. */
function closeFlooding(connection: Connection): void {
  connection.stopHearing()
  connection.outbox.close(CLOSE_CODES.RATE_LIMITED, 'too many events: reconnect later')
  connection.socket.conn.close(true)
}

/** Opens the Socket.IO side of a gateway on its http server. */
export function openSocketServer(deps: SocketDeps): SocketEdge {
  const { settings, services, live, logger } = deps
  const io = createServer(deps)
  const connections = new Set<Connection>()
  const edge: Edge = {
    settings,
    services,
    live,
    signals: deps.createSignals(io),
    roster: new Roster(services.presence),
    logs: new LogSubscriptions(deps.logStream, settings.maxLogSubscribers),
    encoder: new Encoder(),
    logger,
  }
  const callerOf = admitCallers(io, deps)
  const expiries = new TokenExpiries()
  io.on('connection', (socket) => {
    const caller = callerOf(socket)
    const connection: Connection = new Connection(socket, {
      caller,
      meter: deps.limits.meter(caller, () => closeFlooding(connection)),
      maxQueueBytes: settings.maxQueueBytes,
      onTooSlow: () => {
        logger.warn({ socketId: socket.id }, 'reader too slow, connection closed')
      },
    })
    connections.add(connection)
    expiries.watch(connection)
    socket.on('disconnect', () => {
      connections.delete(connection)
      expiries.forget(connection)
      void takeDown(edge, connection)
    })
    serve(edge, connection)
  })
  return {
    io,
    connectionCount: () => connections.size,
    hasPolling: () => [...connections].some(isPolling),
    drain: () => drainConnections(connections, settings.drainMs),
    close: async () => {
      for (const connection of connections) {
        connection.outbox.close(CLOSE_CODES.GATEWAY_DRAINING, 'server closed: reconnect')
      }
      await io.close()
    },
  }
}
