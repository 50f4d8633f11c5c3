import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket as NetSocket } from 'node:net'
import { Server } from 'socket.io'
import type { Socket as ServerSocket } from 'socket.io'
import { io as connect } from 'socket.io-client'
import type { Socket } from 'socket.io-client'
import { Outbox } from '../../../src/gateway/socket/outbox.ts'

export const MAX_QUEUE_BYTES = 500_000

/** A client and the way out to it. */
export interface Pair extends AsyncDisposable {
  readonly client: Socket
  readonly outbox: Outbox
  readonly serverSocket: ServerSocket
  readonly isTooSlow: () => boolean
}

export async function openPair(transports: string[]): Promise<Pair> {
  const httpServer = createServer()
  const server = new Server(httpServer, { perMessageDeflate: false })
  httpServer.listen(0, '127.0.0.1')
  await once(httpServer, 'listening')
  const { port } = httpServer.address() as AddressInfo
  const client = connect(`http://127.0.0.1:${port}`, { transports, forceNew: true })
  const [serverSocket] = (await once(server, 'connection')) as [ServerSocket]
  if (!client.connected) await once(client as never, 'connect')
  let isTooSlow = false
  const outbox = new Outbox(serverSocket, MAX_QUEUE_BYTES, () => {
    isTooSlow = true
  })
  return {
    client,
    outbox,
    serverSocket,
    isTooSlow: () => isTooSlow,
    [Symbol.asyncDispose]: async () => {
      client.disconnect()
      await server.close()
    },
  }
}

/** The client's TCP socket: pausing it is what a stalled reader looks like from the server. */
export function tcpOf(client: Socket): NetSocket {
  const { transport } = client.io.engine as unknown as {
    transport: { ws: { _socket: NetSocket } }
  }
  return transport.ws._socket
}
