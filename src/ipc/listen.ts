import { lstat, mkdir, unlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { dirname } from 'node:path'
import type { Logger } from '../telemetry/logger.ts'
import {
  LINK_PROTOCOL_VERSION,
  readHello,
  sendHello,
  sendRefusal,
  versionMismatch,
} from './hello.ts'
import { FramedLink, LINK_LIMITS } from './link.ts'
import type { LinkLimits, PeerIdentity } from './link.ts'

export interface ListenLinksOptions {
  /** The socket's path; its directory is made with mode 0700, or must be as private already. */
  readonly path: string
  readonly self: PeerIdentity
  /** Puts the handlers of a new link in place, synchronously; frames are dispatched after it. */
  readonly onLink: (link: FramedLink) => void
  readonly limits?: Partial<LinkLimits>
  readonly protocol?: number
  /** Most links at a time. Past it a new one is refused; its peer tries again. */
  readonly maxLinks?: number
  readonly logger?: Logger
}

/** Bytes of a socket path without its final zero: `sun_path` has 108 on Linux and 104 on macOS. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103

const DEFAULT_MAX_LINKS = 512

/**
 * Listens for links on a Unix domain socket.
 *
 * @throws Error when the path is too long for a socket, its directory is open to others, something
 * else than a socket is in its place, or the system refuses.
 */
export async function listenLinks(options: ListenLinksOptions): Promise<LinkServer> {
  await preparePath(options.path)
  const server = new LinkServer(options)
  await server.listen()
  return server
}

/** Accepts links until it is closed. */
export class LinkServer {
  readonly #options: ListenLinksOptions
  readonly #limits: LinkLimits
  readonly #server: Server
  /** Connections that are not links: no hello yet, or refused. */
  readonly #strangers = new Set<Socket>()
  readonly #links = new Map<string, FramedLink>()

  constructor(options: ListenLinksOptions) {
    this.#options = options
    this.#limits = { ...LINK_LIMITS, ...options.limits }
    this.#server = createServer((socket) => {
      this.#strangers.add(socket)
      // For its whole life: ECONNRESET and EPIPE of a peer that is killed may come when nobody else
      // listens, as while it is refused, and would end the process. 'close' follows and says so.
      socket.on('error', () => undefined)
      socket.on('close', () => this.#strangers.delete(socket))
      this.#open(socket).catch((error: unknown) => {
        // A peer that vanished, was silent, or spoke something else before its hello was complete.
        options.logger?.warn({ err: error }, 'a link could not be opened')
        socket.destroy()
      })
    })
  }

  /** The open links. */
  get links(): readonly FramedLink[] {
    return [...this.#links.values()]
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#options.path, () => {
        this.#server.off('error', reject)
        this.#server.on('error', (error) => {
          // EMFILE and the like while accepting; the peers try again.
          this.#options.logger?.error({ err: error }, 'links cannot be accepted')
        })
        resolve()
      })
    })
  }

  /** Sends what waits, closes every link and removes the socket file. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    for (const socket of this.#strangers) socket.destroy()
    for (const link of this.links) link.end('the server stops')
    await closed
  }

  async #open(socket: Socket): Promise<void> {
    const { self, protocol = LINK_PROTOCOL_VERSION } = this.#options
    const { hello, rest } = await readHello(socket, this.#limits.helloTimeoutMs)
    const refusal = this.#refusal(hello.protocol, hello.id)
    if (refusal !== undefined) {
      this.#options.logger?.error({ peer: hello.id, peerRole: hello.role, refusal }, 'link refused')
      sendRefusal(socket, refusal)
      socket.setTimeout(this.#limits.helloTimeoutMs, () => socket.destroy())
      return
    }
    this.#strangers.delete(socket)
    // What the older link still holds unread must not be applied behind what the new one repeats.
    this.#links.get(hello.id)?.destroy('the peer opened a newer link')
    const peer = { role: hello.role, id: hello.id }
    const link = new FramedLink(socket, { peer, limits: this.#limits, first: rest })
    this.#links.set(peer.id, link)
    link.onClose((reason) => this.#closed(link, reason))
    sendHello(socket, self, protocol)
    this.#options.onLink(link)
    link.start()
  }

  #refusal(protocol: number, peerId: string): string | undefined {
    const own = this.#options.protocol ?? LINK_PROTOCOL_VERSION
    if (protocol !== own) return versionMismatch(own, protocol)
    const isFull = this.#links.size >= (this.#options.maxLinks ?? DEFAULT_MAX_LINKS)
    return isFull && !this.#links.has(peerId)
      ? 'there are as many links as there may be'
      : undefined
  }

  #closed(link: FramedLink, reason: string): void {
    if (this.#links.get(link.peer.id) === link) this.#links.delete(link.peer.id)
    const { role, id } = link.peer
    this.#options.logger?.debug({ peer: id, peerRole: role, reason }, 'link closed')
  }
}

async function preparePath(path: string): Promise<void> {
  const length = Buffer.byteLength(path)
  if (length > MAX_PATH_BYTES) {
    throw new Error(
      `the socket path ${path} has ${length} bytes, the system allows ${MAX_PATH_BYTES}: use a shorter data directory`,
    )
  }
  const directory = dirname(path)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { mode } = await lstat(directory)
  if ((mode & 0o077) !== 0) throw new Error(`${directory} is open to others; it needs mode 0700`)
  await removeStale(path)
}

/** A killed server leaves its socket file behind; who listens is decided by the data directory's lock. */
async function removeStale(path: string): Promise<void> {
  const stats = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (stats === undefined) return
  if (!stats.isSocket()) throw new Error(`${path} exists and is not a socket`)
  await unlink(path)
}
