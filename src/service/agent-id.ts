import { createHash } from 'node:crypto'

/** The namespace of the ids of agents; never changes, or every agent would become another one. */
const NAMESPACE = Buffer.from('6f2b7a3e0d5c4c1e9a4785f1b2c3d4e5', 'hex')

/**
 * The id of an agent that names none: the UUIDv5 (RFC 9562, 5.5: SHA-1 of a fixed namespace and the
 * name's UTF-8 bytes) of its name as it is written. The same on every machine and after every restart;
 * an agent that is renamed is another agent.
 */
export function agentIdOf(name: string): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(name, 'utf8').digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
