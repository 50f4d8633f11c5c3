/** Bytes of the longest header of an unmasked frame. */
const MAX_HEADER_BYTES = 10
/** Bytes of one frame that is put together from several reads; servers here send no larger one. */
const MAX_FRAME_BYTES = 4_000_000

const OPCODE = { text: 1, close: 8 } as const

/**
 * Sees each whole text and close frame once: the payload in place, whose bytes are gone when it
 * returns. Servers here send no other frames that a client has to look at.
 */
export interface FrameVisitor {
  onText(bytes: Buffer, start: number, end: number): void
  onClose(bytes: Buffer, start: number, end: number): void
}

/** Bytes of the whole frame that begins at `offset`; 0 when its header is not complete yet. */
function frameBytes(bytes: Buffer, offset: number, end: number): number {
  if (end - offset < 2) return 0
  const length = (bytes[offset + 1] ?? 0) & 0x7f
  if (length < 126) return 2 + length
  if (length === 126) return end - offset < 4 ? 0 : 4 + bytes.readUInt16BE(offset + 2)
  return end - offset < 10 ? 0 : 10 + Number(bytes.readBigUInt64BE(offset + 2))
}

function headerBytes(bytes: Buffer, offset: number): number {
  const length = (bytes[offset + 1] ?? 0) & 0x7f
  if (length < 126) return 2
  return length === 126 ? 4 : 10
}

/**
 * Cuts a stream of server frames (RFC 6455, unmasked) into frames without copying or decoding them,
 * however the reads cut it: only a frame that lies across two reads is put together first.
 */
export class FrameWalker {
  readonly #visitor: FrameVisitor
  /** The beginning of a frame that is not complete. */
  #carry = Buffer.alloc(4_096)
  #carried = 0

  constructor(visitor: FrameVisitor) {
    this.#visitor = visitor
  }

  /** Walks the bytes of one read, `start` to `end`; they may be overwritten afterwards. */
  push(bytes: Buffer, start: number, end: number): void {
    let offset = this.#carried === 0 ? start : this.#completeCarried(bytes, start, end)
    while (offset < end) {
      const size = frameBytes(bytes, offset, end)
      if (size === 0 || size > end - offset) {
        this.#keep(bytes, offset, end)
        return
      }
      this.#emit(bytes, offset, size)
      offset += size
    }
  }

  #emit(bytes: Buffer, offset: number, size: number): void {
    const opcode = (bytes[offset] ?? 0) & 0x0f
    const start = offset + headerBytes(bytes, offset)
    if (opcode === OPCODE.text) this.#visitor.onText(bytes, start, offset + size)
    else if (opcode === OPCODE.close) this.#visitor.onClose(bytes, start, offset + size)
  }

  /** Takes what the begun frame lacks; returns where the next one begins. */
  #completeCarried(bytes: Buffer, start: number, end: number): number {
    let offset = start
    let size = frameBytes(this.#carry, 0, this.#carried)
    while (size === 0 && offset < end && this.#carried < MAX_HEADER_BYTES) {
      this.#keep(bytes, offset, offset + 1)
      offset += 1
      size = frameBytes(this.#carry, 0, this.#carried)
    }
    if (size === 0) return end
    const taken = Math.min(size - this.#carried, end - offset)
    this.#keep(bytes, offset, offset + taken)
    offset += taken
    if (this.#carried < size) return end
    this.#carried = 0
    this.#emit(this.#carry, 0, size)
    return offset
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const needed = this.#carried + end - start
    if (needed > MAX_FRAME_BYTES) throw new Error(`a frame of more than ${MAX_FRAME_BYTES} bytes`)
    if (needed > this.#carry.length) {
      const larger = Buffer.alloc(needed * 2)
      this.#carry.copy(larger, 0, 0, this.#carried)
      this.#carry = larger
    }
    bytes.copy(this.#carry, this.#carried, start, end)
    this.#carried = needed
  }
}
