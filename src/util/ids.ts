/** 8-4-4-4-12 hexadecimal digits of any version and case; the nil UUID counts. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** One spelling per identity: UUIDs are lower-cased, everything else is compared as written. */
export function canonicalId(id: string): string {
  return id.length === 36 && UUID.test(id) ? id.toLowerCase() : id
}
