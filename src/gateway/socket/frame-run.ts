/**
 * Bytes past which waiting frames start another write. A reader that takes nothing has up to a queue's
 * worth waiting (4 MB), and each write that its connection's end leaves undone costs an error of its own.
 */
const MAX_RUN_BYTES = 262_144

/**
 * Ready-made WebSocket frames that leave in one write; more join them as long as they wait.
 *
 * `wsPreEncodedFrame` among a packet's options is how Socket.IO's own adapter hands a broadcast to
 * Engine.IO; nothing else sends several packets in one write. Not part of the documented API, so a test
 * holds it in place. Engine.IO asks for it when the transport takes the packet, and only then are the
 * frames of a slow reader put together: until then all slow readers of a channel share them.
 */
export class FrameRun {
  /** Engine.IO's option: the frames are as they are to go out. */
  readonly compress = false
  #waiting: Buffer[]
  #bytes: number

  constructor(frames: Buffer) {
    this.#waiting = [frames]
    this.#bytes = frames.length
  }

  /** Appends frames; false when they must start a run of their own. */
  add(frames: Buffer): boolean {
    if (this.#bytes + frames.length > MAX_RUN_BYTES) return false
    this.#waiting.push(frames)
    this.#bytes += frames.length
    return true
  }

  get wsPreEncodedFrame(): readonly Buffer[] {
    if (this.#waiting.length > 1) this.#waiting = [Buffer.concat(this.#waiting, this.#bytes)]
    return this.#waiting
  }
}
