import type { Server as HttpServer } from 'node:http'
import { Server } from 'socket.io'
import type { ServerOptions, Socket } from 'socket.io'
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
import type { Access } from '../auth.ts'
import { guardConnects } from './connect-guard.ts'
import { Connection } from './connection.ts'
import { removeMembership } from './commands/leave.ts'
import { dispatch } from './dispatch.ts'
import { drainConnections, isPolling } from './drain.ts'
import type { Edge } from './edge.ts'
import { Encoder } from './encoder.ts'
import { authenticate } from './handshake.ts'
import { LogSubscriptions } from './log-subscriptions.ts'
import { Roster } from './roster.ts'

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
  /** Who may come in. */
  readonly access: Access
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
    allowRequest: ({ headers }, answer) => {
      try {
        deps.access.checkOrigin(headers)
        answer(null, true)
      } catch (error) {
        answer(toChannelError(error).message, false)
      }
    },
  })
  io.engine.generateId = deps.generateSessionId
  guardConnects(io)
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
    edge.logger.debug({ socketId: socket.id, error: String(error) }, 'socket error')
  })
  greet(connection)
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
    logs: new LogSubscriptions(deps.logStream),
    encoder: new Encoder(),
    logger,
  }
  const entities = new WeakMap<Socket, string | undefined>()
  io.use((socket, next) => {
    try {
      entities.set(socket, authenticate(socket, deps.access))
      next()
    } catch (error) {
      next(error instanceof Error ? error : new Error(TEXTS.authenticationFailed))
    }
  })
  io.on('connection', (socket) => {
    const connection = new Connection(socket, {
      entityId: entities.get(socket),
      maxQueueBytes: settings.maxQueueBytes,
      onTooSlow: () => {
        logger.warn({ socketId: socket.id }, 'reader too slow, connection closed')
      },
    })
    connections.add(connection)
    socket.on('disconnect', () => {
      connections.delete(connection)
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
