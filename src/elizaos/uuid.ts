import { createHash } from 'node:crypto'
import { canonicalId } from '../util/ids.ts'
import type { ElizaRuntime, Uuid } from './eliza-runtime.ts'

function isUuid(id: string): id is Uuid {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)
}

/** Eight digits of each kind are cut into groups; the type cannot follow that. */
function asUuid(hex: string): Uuid {
  const part = (from: number, to: number): string => hex.slice(from, to)
  return `${part(0, 8)}-${part(8, 12)}-${part(12, 16)}-${part(16, 20)}-${part(20, 32)}`
}

/**
 * An id as elizaOS takes it: a UUID stays as it is, of anything else one is derived, always the same, as
 * elizaOS's own `stringToUuid` derives it.
 */
export function uuidOf(id: string): Uuid {
  const canonical = canonicalId(id)
  if (isUuid(canonical)) return canonical
  const bytes = createHash('sha1').update(encodeURIComponent(canonical)).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  bytes.writeUInt8(bytes.readUInt8(6) & 0x0f, 6)
  return asUuid(bytes.toString('hex'))
}

/**
 * A runtime's own name for something that it shares with others, as elizaOS's `createUniqueUuid` makes it:
 * runtimes with a common database would otherwise take each other's rooms and memories for theirs.
 */
export function ownUuid({ agentId }: Pick<ElizaRuntime, 'agentId'>, id: string): Uuid {
  const canonical = canonicalId(id)
  return canonical === agentId ? agentId : uuidOf(`${canonical}:${agentId}`)
}
