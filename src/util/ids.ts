/** 8-4-4-4-12 hexadecimal digits of any version; the nil UUID counts. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** One spelling per identity: UUIDs are lower-cased, everything else is compared as written. */
export function canonicalId(id: string): string {
  const lower = id.toLowerCase()
  // Nearly every id is canonical already, and comparing is a third of what matching costs.
  if (lower === id) return id
  return UUID.test(lower) ? lower : id
}
