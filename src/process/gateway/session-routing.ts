import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Peer } from '../messages.ts'
import { detachSocket } from './raw-socket.ts'
import { RequestForwarder } from './forward-request.ts'
import { gatewayOf, isEnginePath, sessionIdOf } from './session-id.ts'
import { answerUnknownSession, refuseUpgrade } from './unknown-session.ts'
import { packUpgrade, unpackUpgrade } from './upgrade-request.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

export interface SessionRoutingOptions {
  readonly gatewayId: string
  /** Passes an upgrade with its socket to the gateway `to`; from then on the socket is not this process's. */
  readonly handOver: (to: string, request: UpgradeRequest, socket: Socket) => Promise<void>
}

export interface SessionRouting {
  /** Replaces the table of gateways; ids are looked up in it and never become paths. */
  setPeers(peers: readonly Peer[]): void
  /** Serves here, without another look at the session; for the private listener. */
  serve(request: IncomingMessage, response: ServerResponse): void
  /** Serves an upgrade that arrived at another gateway as if it had arrived here. */
  acceptUpgrade(request: UpgradeRequest, socket: Socket): void
  close(): void
}

/** `own`: served by this process. A peer: by that one. `gone`: by nobody any more. */
type Destination = 'own' | 'gone' | Peer

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
  const forwarder = new RequestForwarder()
  let peers = new Map<string, Peer>()

  const destinationOf = (url: string): Destination => {
    if (!isEnginePath(url)) return 'own'
    const gateway = gatewayOf(sessionIdOf(url) ?? '')
    if (gateway === undefined || gateway === options.gatewayId) return 'own'
    return peers.get(gateway) ?? 'gone'
  }
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
    const destination = destinationOf(request.url ?? '/')
    if (destination === 'own') serve(request, response)
    else if (destination === 'gone') {
      request.resume()
      answerUnknownSession(response)
    } else forwarder.forward(request, response, destination.socketPath)
  })
  server.removeAllListeners('upgrade')
  server.on('upgrade', (request, socket, head) => {
    const destination = destinationOf(request.url ?? '/')
    if (destination === 'own') upgrade(request, socket, head)
    // The connections of an http server are sockets; anything else could not be passed on.
    else if (destination === 'gone' || !(socket instanceof Socket)) refuseUpgrade(socket)
    else {
      // A client that is gone by now is the receiver's to notice.
      socket.on('error', () => undefined)
      const rest = detachSocket(socket)
      const packed = packUpgrade(request, Buffer.concat([head, rest]))
      void options.handOver(destination.id, packed, socket)
    }
  })

  return {
    setPeers: (next) => {
      peers = new Map(next.map((peer) => [peer.id, peer]))
    },
    serve,
    acceptUpgrade: (packed, socket) => {
      upgrade(unpackUpgrade(packed, socket), socket, Buffer.from(packed.head))
    },
    close: () => {
      forwarder.close()
    },
  }
}
