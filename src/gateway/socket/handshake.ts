import type { Socket } from 'socket.io'
import type { Secret } from '../../util/secret.ts'
import { isId } from '../../protocol/ids.ts'
import { TEXTS } from '../../protocol/wire.ts'
import { canonicalId } from '../../util/ids.ts'

function keyOf(socket: Socket): string | undefined {
  const { apiKey } = socket.handshake.auth as { apiKey?: unknown }
  if (typeof apiKey === 'string') return apiKey
  const header = socket.handshake.headers['x-api-key']
  return typeof header === 'string' ? header : undefined
}

/**
 * Who connects. In open mode a handshake may leave its entity out, as clients before elizaOS 1.6.5
 * do; with a key set, key and entity are required.
 *
 * @throws Error with the text that elizaOS sends as `connect_error`.
 */
export function authenticate(socket: Socket, apiKey: Secret | undefined): string | undefined {
  const key = keyOf(socket)
  if (apiKey !== undefined && (key === undefined || !apiKey.equals(key))) {
    throw new Error(TEXTS.keyRequired)
  }
  const { entityId } = socket.handshake.auth as { entityId?: unknown }
  const isAbsent = entityId === undefined || entityId === null
  if (isAbsent && apiKey === undefined) return undefined
  if (!isId(entityId)) throw new Error(TEXTS.entityRequired)
  return canonicalId(entityId)
}
