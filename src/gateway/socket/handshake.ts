import type { Socket } from 'socket.io'
import { isId } from '../../protocol/ids.ts'
import { TEXTS } from '../../protocol/wire.ts'
import { canonicalId } from '../../util/ids.ts'
import { presentedKey } from '../auth.ts'
import type { Access } from '../auth.ts'

/**
 * Who connects. In open mode a handshake may leave its entity out, as clients before elizaOS 1.6.5
 * do; with a key set, key (`auth.apiKey`, or as REST has it) and entity are required.
 *
 * @throws Error with the text that elizaOS sends as `connect_error`.
 */
export function authenticate(socket: Socket, access: Access): string | undefined {
  const { apiKey, entityId }: { readonly apiKey?: unknown; readonly entityId?: unknown } =
    socket.handshake.auth
  const key = typeof apiKey === 'string' ? apiKey : presentedKey(socket.handshake.headers)
  if (!access.isKey(key)) throw new Error(TEXTS.keyRequired)
  const isAbsent = entityId === undefined || entityId === null
  if (isAbsent && access.isOpen) return undefined
  if (!isId(entityId)) throw new Error(TEXTS.entityRequired)
  return canonicalId(entityId)
}
