import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import {
  LINK_PROTOCOL_VERSION,
  LinkRefusedError,
  readHello,
  sendHello,
  versionMismatch,
} from './hello.ts'
import { FramedLink, LINK_LIMITS } from './link.ts'
import type { LinkLimits, PeerIdentity } from './link.ts'

export interface ConnectLinkOptions {
  readonly path: string
  readonly self: PeerIdentity
  readonly limits?: Partial<LinkLimits>
  readonly protocol?: number
}

/**
 * Opens a link. Frames are dispatched after `start`, so that its handlers can be put in place first.
 *
 * @throws LinkRefusedError when the peers' versions differ or the server refuses; Error when nobody
 * listens or answers in time.
 */
export async function connectLink(options: ConnectLinkOptions): Promise<FramedLink> {
  const limits = { ...LINK_LIMITS, ...options.limits }
  const protocol = options.protocol ?? LINK_PROTOCOL_VERSION
  const socket = await connect(options.path)
  sendHello(socket, options.self, protocol)
  const { hello, rest } = await readHello(socket, limits.helloTimeoutMs)
  if (hello.protocol !== protocol) {
    socket.destroy()
    throw new LinkRefusedError(versionMismatch(protocol, hello.protocol))
  }
  return new FramedLink(socket, { peer: { role: hello.role, id: hello.id }, limits, first: rest })
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
