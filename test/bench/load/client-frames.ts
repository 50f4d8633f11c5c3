const FIN_TEXT = 0x81
const IS_MASKED = 0x80
const MASK_BYTES = 4

function headerBytes(length: number): number {
  if (length > 0xffff) throw new Error('the load sends no frame above 64 KiB')
  return length < 126 ? 2 : 4
}

/**
 * A text as one client frame. The masking key is zero, which RFC 6455 permits a receiver to treat like
 * any other: the server still unmasks, and the load saves the work of masking.
 */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const header = headerBytes(length)
  const frame = Buffer.alloc(header + MASK_BYTES + length)
  frame[0] = FIN_TEXT
  if (header === 2) {
    frame[1] = IS_MASKED | length
  } else {
    frame[1] = IS_MASKED | 126
    frame.writeUInt16BE(length, 2)
  }
  frame.write(text, header + MASK_BYTES, 'utf8')
  return frame
}

/** A Socket.IO event as the clients of elizaOS emit it: `42["2",{…}]`. */
export function eventFrame(event: string, payload: object): Buffer {
  return textFrame(`42${JSON.stringify([event, payload])}`)
}
