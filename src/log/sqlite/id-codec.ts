const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * An id as stored: a canonical UUID as its 16 bytes, anything else as text, so that what is decoded
 * is always what was encoded. Bytes make the file a quarter smaller.
 */
export type StoredId = Buffer | string

export function encodeId(id: string): StoredId {
  if (id.length !== 36 || !CANONICAL_UUID.test(id)) return id
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

export function decodeId(stored: StoredId): string {
  if (typeof stored === 'string') return stored
  const hex = stored.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
