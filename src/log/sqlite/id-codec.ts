/**
 * An id as stored: a canonical UUID as its 16 bytes, anything else as text, so that what is decoded
 * is always what was encoded. Bytes make the file a quarter smaller.
 */
export type StoredId = Buffer | string

const UUID_LENGTH = 36
const DASH = '-'.charCodeAt(0)
const DASHES_AT = [8, 13, 18, 23]
/** Where the two digits of each byte begin. */
const DIGITS_AT = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]

/** By character code: the digit's value; -1 for what is no digit, capital letters included. */
const DIGIT_VALUES = Int8Array.from({ length: 128 }, (_, code) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(code)),
)

/** Digit by digit: three ids of every row go through here, and a pattern costs five times as much. */
export function encodeId(id: string): StoredId {
  if (id.length !== UUID_LENGTH) return id
  if (DASHES_AT.some((index) => id.charCodeAt(index) !== DASH)) return id
  const bytes = Buffer.allocUnsafe(DIGITS_AT.length)
  for (const [index, at] of DIGITS_AT.entries()) {
    const high = DIGIT_VALUES[id.charCodeAt(at)] ?? -1
    const low = DIGIT_VALUES[id.charCodeAt(at + 1)] ?? -1
    if (high < 0 || low < 0) return id
    bytes[index] = high * 16 + low
  }
  return bytes
}

export function decodeId(stored: StoredId): string {
  if (typeof stored === 'string') return stored
  const hex = stored.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
