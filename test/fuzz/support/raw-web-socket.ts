import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { within } from '../../cluster/support/deadline.ts'
import { readUntil } from '../../cluster/support/connection.ts'

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface Frame {
  readonly opcode: number
  readonly payload: Buffer
}

export interface ClientFrame extends Frame {
  /** Clients must mask; the key is zeros here, which change nothing. */
  readonly isMasked?: boolean
  readonly isFinal?: boolean
  /** Other than the payload's own. */
  readonly announcedLength?: number
}

function lengthOf(bytes: number, maskBit: number): Buffer {
  if (bytes < 126) return Buffer.from([maskBit | bytes])
  if (bytes < 65_536) {
    const length = Buffer.from([maskBit | 126, 0, 0])
    length.writeUInt16BE(bytes, 1)
    return length
  }
  const length = Buffer.alloc(9, maskBit | 127)
  length.writeBigUInt64BE(BigInt(bytes), 1)
  return length
}

function encodeClientFrame(frame: ClientFrame): Buffer {
  const { opcode, payload, isMasked = true, isFinal = true } = frame
  const bytes = frame.announcedLength ?? payload.length
  const head = Buffer.from([(isFinal ? 0x80 : 0) | opcode])
  const mask = isMasked ? Buffer.alloc(4) : Buffer.alloc(0)
  return Buffer.concat([head, lengthOf(bytes, isMasked ? 0x80 : 0), mask, payload])
}

/** Where the frame's payload starts and ends; undefined while its head is not complete. */
function bounds(bytes: Buffer): readonly [start: number, end: number] | undefined {
  const short = (bytes[1] ?? 0) & 0x7f
  if (bytes.length < 2 || (short === 126 && bytes.length < 4)) return undefined
  if (short === 127 && bytes.length < 10) return undefined
  if (short === 126) return [4, 4 + bytes.readUInt16BE(2)]
  if (short === 127) return [10, 10 + Number(bytes.readBigUInt64BE(2))]
  return [2, 2 + short]
}

/** How the other side ended a connection; no code when it ended without a close frame. */
export interface Ending {
  readonly code: number | undefined
}

/** Takes a text that came, and may answer it. */
type OnText = (text: string, web: RawWebSocket) => void

/** A WebSocket without a library in between: what is sent is sent as it is. */
export class RawWebSocket implements Disposable {
  readonly socket: Socket
  readonly ended: Promise<Ending>
  readonly #onText: OnText
  #unread: Buffer = Buffer.alloc(0)
  #code: number | undefined
  #onPong: () => void = () => undefined

  constructor(socket: Socket, onText: OnText) {
    this.socket = socket
    this.#onText = onText
    // It may be reset: that is an ending like another.
    socket.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        resolve({ code: this.#code })
      })
    })
    socket.on('data', (chunk: Buffer) => {
      this.#read(chunk)
    })
  }

  get isOpen(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded
  }

  /** One text frame; a character for each byte. */
  send(bytes: string): void {
    this.sendFrame({ opcode: Opcode.text, payload: Buffer.from(bytes, 'latin1') })
  }

  sendFrame(frame: ClientFrame): void {
    this.socket.write(encodeClientFrame(frame))
  }

  /** Resolves when everything that was sent before has been taken in, or the connection has ended. */
  async settled(): Promise<void> {
    const ponged = new Promise<void>((resolve) => {
      this.#onPong = resolve
    })
    this.sendFrame({ opcode: Opcode.ping, payload: Buffer.alloc(0) })
    await within(Promise.race([ponged, this.ended]), () => 'a pong, or the end')
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  #read(chunk: Buffer): void {
    let bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
    for (let found = bounds(bytes); found !== undefined; found = bounds(bytes)) {
      const [start, end] = found
      if (bytes.length < end) break
      this.#take({ opcode: (bytes[0] ?? 0) & 0x0f, payload: bytes.subarray(start, end) })
      bytes = bytes.subarray(end)
    }
    this.#unread = bytes
  }

  #take({ opcode, payload }: Frame): void {
    if (opcode === Opcode.text) this.#onText(payload.toString('utf8'), this)
    if (opcode === Opcode.pong) this.#onPong()
    if (opcode !== Opcode.close) return
    if (payload.length >= 2) this.#code = payload.readUInt16BE(0)
    this.socket.end(encodeClientFrame({ opcode: Opcode.close, payload }))
  }
}

export interface UpgradeOptions {
  readonly path?: string
  readonly headers?: readonly string[]
}

export const ENGINE_WEBSOCKET = '/socket.io/?EIO=4&transport=websocket'

/** The bytes of a request for a WebSocket. */
export function upgradeBytes({
  path = ENGINE_WEBSOCKET,
  headers = [],
}: UpgradeOptions = {}): string {
  const hasHost = headers.some((header) => /^host:/i.test(header))
  const lines = [
    `GET ${path} HTTP/1.1`,
    ...(hasHost ? [] : ['Host: localhost']),
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Opens a WebSocket. @throws with what came instead of one. */
export async function openRawWebSocket(
  port: number,
  onText: OnText,
  options: UpgradeOptions = {},
): Promise<RawWebSocket> {
  const socket = connect(port, '127.0.0.1')
  socket.write(upgradeBytes(options))
  const answer = await readUntil(socket, '\r\n\r\n')
  if (!answer.startsWith('HTTP/1.1 101 ')) {
    socket.destroy()
    throw new Error(`no WebSocket: ${answer}`)
  }
  const opened = new RawWebSocket(socket, onText)
  // What came in the same segment as the head.
  const behind = answer.slice(answer.indexOf('\r\n\r\n') + 4)
  if (behind !== '') socket.emit('data', Buffer.from(behind, 'latin1'))
  return opened
}
