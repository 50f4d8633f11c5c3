import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { eventFrame, textFrame } from './client-frames.ts'
import { FrameWalker } from './frame-walker.ts'
import type { ConnectionPlan, Position } from './plan.ts'

const CHAR = {
  zero: 0x30,
  two: 0x32,
  four: 0x34,
  m: 0x6d,
  A: 0x41,
  B: 0x42,
  C: 0x43,
  E: 0x45,
  S: 0x53,
} as const
/** Where the events of messages differ: `42["messageBroadcast"`, `42["messageAck"`, `42["messageStreamChunk"` … */
const EVENT_AT = 4
const KIND_AT = EVENT_AT + 'message'.length
const STREAM_KIND_AT = EVENT_AT + 'messageStream'.length
const PONG = textFrame('3')
const HEAD_END = '\r\n\r\n'

export interface ConnectionEvents {
  /** A whole `messageBroadcast` frame, in place. */
  onDelivery(bytes: Buffer, start: number, end: number): void
  /** A whole `messageAck` frame, in place. */
  onAck(bytes: Buffer, start: number, end: number): void
  /** A whole `messageError` frame, in place. */
  onRefusal(bytes: Buffer, start: number, end: number): void
  /** A whole `messageStreamChunk` frame, in place. */
  onChunk?(bytes: Buffer, start: number, end: number): void
  /** A stream ended otherwise than complete. */
  onBrokenStream?(): void
  /** After all frames of one read. */
  onRead(): void
  /** The connection ended, and not by `destroy`. */
  onLost(reason: string): void
}

export interface Place {
  readonly port: number
  /** One for all connections: the bytes of a read are used up before the next read. */
  readonly readBuffer: Buffer
}

type Answer = Readonly<Record<string, unknown>>

interface Wait {
  readonly event: string
  readonly resolve: (payload: Answer) => void
  readonly reject: (error: Error) => void
}

/**
 * A Socket.IO client on a bare TCP socket: as little work for each byte as possible, so that what the
 * benchmark measures is the server. Frames are counted where the kernel left them.
 */
export class RawConnection {
  readonly #plan: ConnectionPlan
  readonly #port: number
  readonly #events: ConnectionEvents
  readonly #socket: Socket
  readonly #walker: FrameWalker
  #wait: Wait | undefined
  #head = ''
  #isUpgraded = false
  #isOver = false

  constructor(plan: ConnectionPlan, place: Place, events: ConnectionEvents) {
    this.#plan = plan
    this.#port = place.port
    this.#events = events
    this.#walker = new FrameWalker({
      onText: (bytes, start, end) => {
        this.#onText(bytes, start, end)
      },
      onClose: (bytes, start, end) => {
        this.#onClose(bytes, start, end)
      },
    })
    this.#socket = connect({
      port: place.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: place.readBuffer,
        callback: (byteCount, bytes) => {
          this.#onBytes(bytes as Buffer, byteCount)
          return true
        },
      },
    })
    this.#socket.once('error', (error) => {
      this.#lose(error.message)
    })
    this.#socket.once('close', () => {
      this.#lose('closed by the server')
    })
  }

  /** Resolves when the server has said `connection_established`. */
  async established(): Promise<void> {
    this.#socket.write(
      [
        'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
        `Host: 127.0.0.1:${this.#port}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        'Sec-WebSocket-Version: 13',
        '',
        '',
      ].join('\r\n'),
    )
    await this.#event('connection_established')
  }

  /** Resolves with the channel's position, where the server has one, when the join is answered. */
  async join(): Promise<Position | undefined> {
    const { channelId, entityId, since } = this.#plan
    const answer = this.#event('channel_joined')
    this.write(eventFrame('1', { channelId, roomId: channelId, entityId, since }))
    const { epoch, seq } = await answer
    return typeof epoch === 'string' && typeof seq === 'number' ? { epoch, seq } : undefined
  }

  write(frame: Buffer): void {
    if (!this.#isOver) this.#socket.write(frame)
  }

  destroy(): void {
    this.#isOver = true
    this.#fail('closed by the load')
    this.#socket.destroy()
  }

  #event(event: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#wait = { event, resolve, reject }
      if (this.#isOver) reject(new Error('the connection is gone'))
    })
  }

  #onBytes(bytes: Buffer, byteCount: number): void {
    const start = this.#isUpgraded ? 0 : this.#onHead(bytes, byteCount)
    if (!this.#isUpgraded) return
    this.#walker.push(bytes, start, byteCount)
    this.#events.onRead()
  }

  /** Takes the answer to the upgrade; returns where the frames begin. */
  #onHead(bytes: Buffer, byteCount: number): number {
    const before = this.#head.length
    this.#head += bytes.toString('latin1', 0, byteCount)
    const end = this.#head.indexOf(HEAD_END)
    if (end === -1) return byteCount
    if (!this.#head.startsWith('HTTP/1.1 101 ')) {
      this.#lose(`no upgrade: ${this.#head.slice(0, 200)}`)
      return byteCount
    }
    this.#isUpgraded = true
    this.#head = ''
    return end + HEAD_END.length - before
  }

  #onClose(bytes: Buffer, start: number, end: number): void {
    const code = end - start >= 2 ? bytes.readUInt16BE(start) : 1005
    this.#lose(`closed by the server with ${code} ${bytes.toString('utf8', start + 2, end)}`)
  }

  #onText(bytes: Buffer, start: number, end: number): void {
    const type = bytes[start]
    if (type === CHAR.four && bytes[start + 1] === CHAR.two) this.#onEvent(bytes, start, end)
    else if (type === CHAR.two) this.write(PONG)
    else if (type === CHAR.zero) {
      this.write(textFrame(`40${JSON.stringify({ entityId: this.#plan.entityId })}`))
    }
  }

  #onEvent(bytes: Buffer, start: number, end: number): void {
    if (bytes[start + EVENT_AT] === CHAR.m) {
      this.#onMessageEvent(bytes, start, end)
      return
    }
    if (this.#wait !== undefined) this.#onAnswer(bytes.toString('utf8', start + 2, end))
  }

  #onMessageEvent(bytes: Buffer, start: number, end: number): void {
    const kind = bytes[start + KIND_AT]
    if (kind === CHAR.B) this.#events.onDelivery(bytes, start, end)
    else if (kind === CHAR.A) this.#events.onAck(bytes, start, end)
    else if (kind === CHAR.E) this.#onRefusal(bytes, start, end)
    else if (kind === CHAR.S) this.#onStreamEvent(bytes, start, end)
  }

  #onStreamEvent(bytes: Buffer, start: number, end: number): void {
    const kind = bytes[start + STREAM_KIND_AT]
    if (kind === CHAR.C) this.#events.onChunk?.(bytes, start, end)
    else if (kind === CHAR.E) this.#events.onBrokenStream?.()
  }

  #onAnswer(json: string): void {
    const [event, payload]: [string, Answer] = JSON.parse(json)
    const wait = this.#wait
    if (event !== wait?.event) return
    this.#wait = undefined
    wait.resolve(payload)
  }

  #onRefusal(bytes: Buffer, start: number, end: number): void {
    this.#events.onRefusal(bytes, start, end)
    this.#fail(bytes.toString('utf8', start, end))
  }

  #fail(reason: string): void {
    this.#wait?.reject(new Error(reason))
    this.#wait = undefined
  }

  #lose(reason: string): void {
    if (this.#isOver) return
    this.#fail(reason)
    this.destroy()
    this.#events.onLost(reason)
  }
}
