import type { EventName } from '../../protocol/wire.ts'

const FIN_TEXT = 0x81
/** Engine.IO's message type `4`, as a character. */
const ENGINE_MESSAGE = 0x34
const SHORT_MAX = 125
const MEDIUM_MAX = 0xffff

/**
 * A Socket.IO event packet of the default namespace as Engine.IO carries it, without the leading
 * Engine.IO message type (protocol 5: `2["name",payload]`).
 */
export function eventPacket(event: EventName, payload: object): string {
  return `2["${event}",${JSON.stringify(payload)}]`
}

/** Bytes of the unmasked text frame header (RFC 6455 §5.2) for a payload of `length` bytes. */
function headerBytes(length: number): number {
  if (length <= SHORT_MAX) return 2
  return length <= MEDIUM_MAX ? 4 : 10
}

function writeHeader(target: Buffer, offset: number, length: number): number {
  target[offset] = FIN_TEXT
  if (length <= SHORT_MAX) {
    target[offset + 1] = length
  } else if (length <= MEDIUM_MAX) {
    target[offset + 1] = 126
    target.writeUInt16BE(length, offset + 2)
  } else {
    target[offset + 1] = 127
    target.writeBigUInt64BE(BigInt(length), offset + 2)
  }
  return offset + headerBytes(length)
}

/**
 * Several packets as one buffer of consecutive WebSocket frames, each an Engine.IO message.
 *
 * One write of ten frames costs a subscriber little more than a write of one: this is where the
 * fan-out's speed comes from (measured: 13–25 µs for each emit against 1.7 µs in tens).
 */
export function webSocketFrames(packets: readonly string[]): Buffer {
  const lengths = packets.map((packet) => Buffer.byteLength(packet) + 1)
  const total = lengths.reduce((sum, length) => sum + length + headerBytes(length), 0)
  const frames = Buffer.allocUnsafe(total)
  let offset = 0
  for (const [index, packet] of packets.entries()) {
    const length = lengths[index] ?? 0
    offset = writeHeader(frames, offset, length)
    // Written by itself: put before the packet, it would have the whole string copied once more.
    frames[offset] = ENGINE_MESSAGE
    frames.write(packet, offset + 1, length - 1, 'utf8')
    offset += length
  }
  return frames
}
