import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { readUntil } from './connection.ts'

/** A text as a client's WebSocket frame of any length below 64 KiB, masked with zeros. */
function textFrame(words: string): Buffer {
  const payload = Buffer.from(words)
  const isShort = payload.length < 126
  const head = Buffer.alloc(isShort ? 6 : 8)
  head[0] = 0x81
  head[1] = 0x80 | (isShort ? payload.length : 126)
  if (!isShort) head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}

/** Joins a channel over a websocket, and from then on does not read what it is sent. */
export class StalledReader implements Disposable {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Reads again; resolves with everything that came, as latin1, when the server has ended it. */
  async wakeUp(): Promise<string> {
    let seen = ''
    this.#socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1')
    })
    this.#socket.resume()
    await once(this.#socket, 'close')
    return seen
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

export async function openStalledReader(port: number, channelId: string): Promise<StalledReader> {
  const socket = connect(port, '127.0.0.1')
  // It is cut off; that is what it is for.
  socket.on('error', () => undefined)
  socket.write(
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n' +
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await readUntil(socket, '"sid"')
  socket.write(textFrame('40'))
  await readUntil(socket, 'connection_established')
  socket.write(
    textFrame(`42["ROOM_JOINING",${JSON.stringify({ channelId, entityId: 'stalled' })}]`),
  )
  await readUntil(socket, 'channel_joined')
  socket.pause()
  return new StalledReader(socket)
}
