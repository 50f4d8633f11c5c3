import type { Socket } from 'node:net'
import { encodeFrame, FrameDecoder } from './frames.ts'

export interface LinkLimits {
  /** Largest payload of one frame, either way. Past it the link is destroyed: its peer is broken. */
  readonly maxFrameBytes: number
  /**
   * Most bytes that may wait for a peer that does not read. Past it the link is destroyed and the
   * peer catches up over a new one. More: rides out longer stalls, for that much memory per link.
   */
  readonly maxBufferedBytes: number
  /** Longest wait for the peer's first frame, in ms. */
  readonly helloTimeoutMs: number
}

export const LINK_LIMITS: LinkLimits = {
  maxFrameBytes: 16_000_000,
  maxBufferedBytes: 64_000_000,
  helloTimeoutMs: 5_000,
}

/** Who speaks on a link. */
export interface PeerIdentity {
  /** `writer`, `gateway` or `agent-host`. */
  readonly role: string
  /** One per process and peer; a new link with the same id replaces the old one. */
  readonly id: string
}

export type FrameHandler = (payload: Buffer) => void

interface FramedLinkOptions {
  readonly peer: PeerIdentity
  readonly limits: LinkLimits
  /** What the socket gave out already. */
  readonly first: Buffer
}

/** Longest wait, in ms, for a peer to read the last frames of an ended link. */
const END_TIMEOUT_MS = 1_000

/**
 * An open stream of frames between two of our processes.
 *
 * Frames arrive in the order of `send` and whole, or not at all: whatever was under way when the link
 * closes is lost, and both sides learn of the closing once. The frames of one turn of the event loop
 * leave in one write, because a write per frame costs more than the frame.
 */
export class FramedLink {
  readonly peer: PeerIdentity
  readonly #socket: Socket
  readonly #limits: LinkLimits
  readonly #first: Buffer
  readonly #handlers = new Map<number, FrameHandler>()
  readonly #onClose: ((reason: string) => void)[] = []
  readonly #onDrain: (() => void)[] = []
  #outgoing: Buffer[] = []
  #outgoingBytes = 0
  #isFlushScheduled = false
  #closeReason: string | undefined

  constructor(socket: Socket, options: FramedLinkOptions) {
    this.peer = options.peer
    this.#socket = socket
    this.#limits = options.limits
    this.#first = options.first
    socket.on('drain', () => this.#onDrain.forEach((listener) => listener()))
    // ECONNRESET and EPIPE when the peer was killed; 'close' follows and says so.
    socket.on('error', (error) => this.destroy(error.message))
    socket.on('end', () => this.destroy('the peer closed the link'))
    socket.on('close', () => this.destroy('the link was lost'))
  }

  get isOpen(): boolean {
    return this.#closeReason === undefined
  }

  /** Bytes that wait on this side for the peer to read. */
  get bufferedBytes(): number {
    return this.#outgoingBytes + this.#socket.writableLength
  }

  /** Takes the frames of one kind. One handler per kind; frames of other kinds close the link. */
  handle(kind: number, handler: FrameHandler): void {
    this.#handlers.set(kind, handler)
  }

  /** Calls once when the link has closed, with a reason for the log. */
  onClose(listener: (reason: string) => void): void {
    this.#onClose.push(listener)
  }

  /** Calls whenever the peer has read what waited. */
  onDrain(listener: () => void): void {
    this.#onDrain.push(listener)
  }

  /** Sends after everything sent before. On a closed link the frame is lost, like any other under way. */
  send(kind: number, payload: string | Uint8Array): void {
    if (this.isOpen) this.sendFrame(encodeFrame(kind, payload))
  }

  /** Sends what `encodeFrame` made; the buffer may be shared between links and must not change. */
  sendFrame(frame: Buffer): void {
    if (!this.isOpen) return
    this.#outgoing.push(frame)
    this.#outgoingBytes += frame.length
    if (this.bufferedBytes > this.#limits.maxBufferedBytes) {
      this.destroy(`the peer left more than ${this.#limits.maxBufferedBytes} bytes unread`)
    } else if (!this.#isFlushScheduled) {
      this.#isFlushScheduled = true
      process.nextTick(() => this.#flush())
    }
  }

  /** Starts dispatching frames; nothing is lost before, so that handlers can be put in place. */
  start(): void {
    const decoder = new FrameDecoder(this.#limits.maxFrameBytes, (kind, payload) =>
      this.#dispatch(kind, payload),
    )
    const push = (chunk: Buffer): void => {
      try {
        if (this.isOpen) decoder.push(chunk)
      } catch (error) {
        this.destroy(error instanceof Error ? error.message : String(error))
      }
    }
    push(this.#first)
    this.#socket.on('data', push)
    this.#socket.resume()
  }

  /** Closes at once; the reason goes to this side's listeners only. */
  destroy(reason: string): void {
    if (this.#closeReason !== undefined) return
    this.#closeReason = reason
    this.#outgoing = []
    this.#outgoingBytes = 0
    this.#socket.destroy()
    for (const listener of this.#onClose) listener(reason)
  }

  /** Sends what waits, then closes. */
  end(reason: string): void {
    this.#flush()
    if (!this.isOpen) return
    const timer = setTimeout(() => this.destroy(reason), END_TIMEOUT_MS)
    this.onClose(() => clearTimeout(timer))
    this.#socket.end(() => this.destroy(reason))
  }

  #dispatch(kind: number, payload: Buffer): void {
    if (!this.isOpen) return
    const handler = this.#handlers.get(kind)
    if (handler === undefined) this.destroy(`the peer sent an unknown frame kind ${kind}`)
    else handler(payload)
  }

  #flush(): void {
    this.#isFlushScheduled = false
    const frames = this.#outgoing
    if (frames.length === 0 || !this.isOpen) return
    this.#outgoing = []
    this.#outgoingBytes = 0
    const [first] = frames
    this.#socket.write(frames.length === 1 && first !== undefined ? first : Buffer.concat(frames))
  }
}
