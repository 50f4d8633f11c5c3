import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { detachSocket } from './raw-socket.ts'
import { RequestForwarder } from './forward-request.ts'
import type { Neighbours } from './neighbours.ts'
import { destinationOf, isRefusal } from './destination.ts'
import { REFUSALS, refuseRequest, refuseUpgrade } from './refusals.ts'
import { isEnginePath } from './session-id.ts'
import { asksForWebSocket, serveWithoutUpgrade } from './other-upgrades.ts'
import { packUpgrade, unpackUpgrade } from './upgrade-request.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

export interface SessionRoutingOptions {
  readonly gatewayId: string
  readonly neighbours: Neighbours
  /** Whether a request may speak to this server at all; asked where it arrives. */
  readonly isAllowed: (request: IncomingMessage) => boolean
  /** By which address the sender of a request is counted; undefined: by none. */
  readonly addressOf: (request: IncomingMessage) => string | undefined
  /** Passes an upgrade with its socket to the gateway `to`; from then on the socket is not this process's. */
  readonly handOver: (to: string, request: UpgradeRequest, socket: Socket) => Promise<void>
}

export interface SessionRouting {
  /**
   * Serves an Engine.IO request here, without another look at the session, and nothing else: for the
   * private listener, behind which no request is checked for where it came from.
   */
  serve(request: IncomingMessage, response: ServerResponse): void
  /** Serves an upgrade that arrived at another gateway as if it had arrived here. */
  acceptUpgrade(request: UpgradeRequest, socket: Socket): void
  close(): void
}

/**
 * Brings every Engine.IO request to the gateway that has its session, whatever gateway it reached.
 *
 * It puts itself in front of the listeners that the server has when it is called, so it is called
 * after Socket.IO was attached. Requests without a session, with one of this gateway, or with an id
 * that is not ours go to them unchanged.
 */
export function attachSessionRouting(
  server: Server,
  options: SessionRoutingOptions,
): SessionRouting {
  const requestListeners = server.listeners('request')
  const upgradeListeners = server.listeners('upgrade')
  const forwarder = new RequestForwarder(options.addressOf)

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    for (const listener of requestListeners) listener.call(server, request, response)
  }
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    for (const listener of upgradeListeners) listener.call(server, request, socket, head)
  }

  // Engine.IO takes the server's end for the end of all its sessions. The server counts only its own
  // connections: while it drains it ends when those are closed, and would cut the ones handed over.
  server.removeAllListeners('close')
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    const destination = destinationOf(request, options)
    if (destination === 'own') serve(request, response)
    else if (isRefusal(destination)) refuseRequest(request, response, destination)
    else forwarder.forward(request, response, destination.socketPath)
  })
  server.removeAllListeners('upgrade')
  server.on('upgrade', (request, socket, head) => {
    const destination = destinationOf(request, options)
    if (!asksForWebSocket(request)) serveWithoutUpgrade(request, socket, server)
    else if (destination === 'own') upgrade(request, socket, head)
    else if (isRefusal(destination)) refuseUpgrade(socket, destination)
    // The connections of an http server are sockets; anything else could not be passed on.
    else if (!(socket instanceof Socket)) refuseUpgrade(socket, REFUSALS.unknownSession)
    else {
      // A client that is gone by now is the receiver's to notice.
      socket.on('error', () => undefined)
      const rest = detachSocket(socket)
      const packed = packUpgrade(request, Buffer.concat([head, rest]))
      void options.handOver(destination.id, packed, socket)
    }
  })

  return {
    serve: (request, response) => {
      if (isEnginePath(request.url ?? '/')) serve(request, response)
      else {
        request.resume()
        response.writeHead(404).end()
      }
    },
    acceptUpgrade: (packed, socket) => {
      upgrade(unpackUpgrade(packed, socket), socket, Buffer.from(packed.head))
    },
    close: () => {
      forwarder.close()
    },
  }
}
