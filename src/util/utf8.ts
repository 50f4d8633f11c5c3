/** Most UTF-8 bytes of one UTF-16 code unit. */
const MAX_BYTES_PER_UNIT = 3

/**
 * How many bytes of UTF-8 the text takes, where that is more than `maxBytes`; undefined where it is not.
 *
 * What is far below the bound, as nearly everything is, is told by its length without being counted.
 */
export function bytesPast(text: string, maxBytes: number): number | undefined {
  if (text.length * MAX_BYTES_PER_UNIT <= maxBytes) return undefined
  const bytes = new TextEncoder().encode(text).byteLength
  return bytes > maxBytes ? bytes : undefined
}
