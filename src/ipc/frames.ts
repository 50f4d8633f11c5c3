/** u32 big-endian length of the payload, then one byte of kind. */
const HEADER_BYTES = 5

/** The stream does not speak frames, or a frame is larger than was agreed; the link cannot go on. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/** One frame as it goes over the wire; encode once to send it over many links. */
export function encodeFrame(kind: number, payload: string | Uint8Array): Buffer {
  const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length)
  frame.writeUInt32BE(length, 0)
  frame.writeUInt8(kind, 4)
  if (typeof payload === 'string') frame.write(payload, HEADER_BYTES)
  else frame.set(payload, HEADER_BYTES)
  return frame
}

type OnFrame = (kind: number, payload: Buffer) => void

/**
 * Cuts a byte stream into frames, however its chunks fall.
 *
 * Holds at most one incomplete frame of `maxFrameBytes`. A payload shares memory with the chunk that
 * brought it: whoever keeps it copies it.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number
  readonly #onFrame: OnFrame
  #chunks: Buffer[] = []
  #bufferedBytes = 0
  #neededBytes = HEADER_BYTES

  constructor(maxFrameBytes: number, onFrame: OnFrame) {
    this.#maxFrameBytes = maxFrameBytes
    this.#onFrame = onFrame
  }

  /** @throws FrameError when a frame announces more than `maxFrameBytes`; the decoder is spent then. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bufferedBytes += chunk.length
    // Nothing is joined before a frame is whole: joining per chunk is quadratic for large frames.
    if (this.#bufferedBytes < this.#neededBytes) return
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    const rest = this.#consume(bytes)
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#bufferedBytes = rest.length
  }

  #consume(bytes: Buffer): Buffer {
    let offset = 0
    for (;;) {
      this.#neededBytes = HEADER_BYTES
      if (bytes.length - offset < HEADER_BYTES) break
      const length = bytes.readUInt32BE(offset)
      if (length > this.#maxFrameBytes) {
        throw new FrameError(`a frame of ${length} bytes is above ${this.#maxFrameBytes}`)
      }
      this.#neededBytes = HEADER_BYTES + length
      if (bytes.length - offset < this.#neededBytes) break
      const start = offset + HEADER_BYTES
      offset += this.#neededBytes
      this.#onFrame(bytes.readUInt8(start - 1), bytes.subarray(start, offset))
    }
    return bytes.subarray(offset)
  }
}
