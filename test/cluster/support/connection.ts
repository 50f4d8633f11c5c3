import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Answer {
  readonly status: number
  readonly body: string
}

const ENGINE_PATH = '/socket.io/?EIO=4&transport=polling'

/** One keep-alive connection, which the port gave to one gateway: everything on it reaches that one first. */
export class Connection implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #url: string
  readonly sockets = new Set<Socket>()

  constructor(url: string) {
    this.#url = url
  }

  async send(method: string, path: string, body?: string): Promise<Answer> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(`${this.#url}${path}`, { method, agent: this.#agent }, resolve)
      sent.on('error', reject)
      sent.on('socket', (socket) => this.sockets.add(socket))
      sent.end(body)
    })
    return { status: response.statusCode ?? 0, body: await text(response) }
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path)
  }

  /** Opens an Engine.IO session by polling; it lives on the gateway of this connection. */
  async openSession(): Promise<Session> {
    const { body } = await this.get(ENGINE_PATH)
    const { sid } = JSON.parse(body.slice(1)) as { readonly sid: string }
    return { sid, gateway: sid.split('.')[0] ?? '', path: `${ENGINE_PATH}&sid=${sid}` }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

export interface Session {
  readonly sid: string
  readonly gateway: string
  readonly path: string
}

/** Connections to that many different gateways, each with a session there. */
export async function connectToDifferentGateways(
  url: string,
  count: number,
): Promise<{ readonly connection: Connection; readonly session: Session }[]> {
  const found = new Map<string, { readonly connection: Connection; readonly session: Session }>()
  for (let attempt = 0; attempt < 200 && found.size < count; attempt += 1) {
    const connection = new Connection(url)
    const session = await connection.openSession()
    if (found.has(session.gateway)) connection[Symbol.dispose]()
    else found.set(session.gateway, { connection, session })
  }
  if (found.size < count) throw new Error(`200 connections reached ${found.size} gateways`)
  return [...found.values()]
}

/** A request that the server has begun to read and whose body never comes. */
export async function openUpload(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.write(
    'POST /api/messaging/submit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
      'Content-Length: 100\r\nExpect: 100-continue\r\n\r\n',
  )
  // Node says "100 Continue" when it hands the request to its listeners.
  await new Promise((resolve, reject) => {
    socket.once('data', resolve)
    socket.once('error', reject)
  })
  return socket
}

/** A text as a client's WebSocket frame, masked, as the protocol demands, with zeros, which change nothing. */
export function webSocketFrame(words: string): Buffer {
  const payload = Buffer.from(words)
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}

/** Resolves with what came, as latin1, once it holds `end`. */
export function readUntil(socket: Socket, end: string): Promise<string> {
  let seen = ''
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      seen += chunk.toString('latin1')
      if (!seen.includes(end)) return
      socket.off('data', onData).off('close', onClose)
      resolve(seen)
    }
    const onClose = (): void => {
      reject(new Error(`closed after ${JSON.stringify(seen)}`))
    }
    socket.on('data', onData).on('close', onClose).on('error', reject)
  })
}

/** Asks for a websocket for a polling session. */
export function writeUpgrade(socket: Socket, path: string): void {
  socket.write(
    `GET ${path.replace('polling', 'websocket')} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n` +
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
}

/** A raw connection to another gateway than the one that has the session. */
export function openForeignSocket(port: number, session: Session): Promise<Socket> {
  return openSocketWhere(port, (gateway) => gateway !== session.gateway)
}

/** A raw connection to the gateway that has the session. */
export function openOwnSocket(port: number, session: Session): Promise<Socket> {
  return openSocketWhere(port, (gateway) => gateway === session.gateway)
}

async function openSocketWhere(
  port: number,
  isWanted: (gateway: string | undefined) => boolean,
): Promise<Socket> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${ENGINE_PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    const answer = await readUntil(socket, '}')
    if (isWanted(/"sid":"([^.]+)\./.exec(answer)?.[1])) return socket
    socket.destroy()
  }
}
