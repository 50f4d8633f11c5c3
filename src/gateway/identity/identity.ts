import type { Settings } from '../../config/settings.ts'
import { ChannelError } from '../../protocol/errors.ts'
import { isId } from '../../protocol/ids.ts'
import { TEXTS } from '../../protocol/wire.ts'
import type { Caller } from '../../service/caller.ts'
import { anyone, service } from '../../service/caller.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { canonicalId } from '../../util/ids.ts'
import { Secret } from '../../util/secret.ts'
import { checkLocal } from '../auth.ts'
import type { HeaderRecord } from '../auth.ts'
import { presentedBy, presentedIn } from './credentials.ts'
import type { Presented } from './credentials.ts'
import { createTokens } from './tokens.ts'
import type { TokenSettings } from './tokens.ts'

export type IdentitySettings = TokenSettings & Pick<Settings, 'apiKey' | 'isInsecure'>

/** Who may come in, and who they are: for both edges. */
export interface Identity {
  /** Neither a key nor tokens are set: whoever is on this machine may do everything except stop the server. */
  readonly isOpen: boolean
  /** @throws ORIGIN_FORBIDDEN in open mode, unless insecure, for what did not come from this machine. */
  checkOrigin(headers: HeaderRecord): void
  /**
   * Who sends a REST request. Where there is a token, it alone says who; else the key opens. At once, not
   * by a promise, for a key and for a token that was verified lately.
   *
   * @throws UNAUTHENTICATED, TOKEN_INVALID, TOKEN_EXPIRED, AUTH_UNAVAILABLE.
   */
  callerOfRequest(headers: HeaderRecord): Caller | Promise<Caller>
  /**
   * Who connects. In open mode a handshake may leave its entity out, as clients before elizaOS 1.6.5 do;
   * with a key, key and entity are required; a token says who it is by itself.
   *
   * @throws UNAUTHENTICATED in elizaOS's words, TOKEN_INVALID, TOKEN_EXPIRED, AUTH_UNAVAILABLE.
   */
  callerOfHandshake(
    auth: Readonly<Record<string, unknown>>,
    headers: HeaderRecord,
  ): Caller | Promise<Caller>
}

/** Whoever holds the key, for the entity that it names. */
function claiming(entityId: unknown, callerAs: (entityId: string) => Caller): Caller {
  if (!isId(entityId)) throw new ChannelError('UNAUTHENTICATED', TEXTS.entityRequired)
  return callerAs(canonicalId(entityId))
}

/** Builds what both edges ask; settings that contradict each other were refused before. */
export function createIdentity(settings: IdentitySettings, logger: Logger): Identity {
  const { apiKey, isInsecure } = settings
  const key = apiKey === undefined || apiKey === '' ? undefined : new Secret(apiKey)
  const tokens = createTokens(settings, logger)
  const isOpen = key === undefined && tokens === undefined
  const isKey = (candidate: string): boolean => key?.equals(candidate) === true

  /** A token that is there is never passed over, whether or not there is a key as well. */
  const fromToken = ({ bearers }: Presented): Caller | Promise<Caller> | undefined => {
    const token = bearers.find((candidate) => !isKey(candidate))
    return token === undefined ? undefined : tokens?.verify(token)
  }
  const hasKey = ({ keys, bearers }: Presented): boolean => [...keys, ...bearers].some(isKey)

  /** elizaOS's words for a handshake that proves nothing. */
  const nothingProved = ({ keys, bearers }: Presented): string => {
    if (tokens === undefined && bearers.length > 0 && keys.length === 0) {
      return TEXTS.tokensNotConfigured
    }
    return key === undefined ? TEXTS.tokenRequired : TEXTS.keyRequired
  }

  return {
    isOpen,
    checkOrigin(headers) {
      if (isOpen && !isInsecure) checkLocal(headers)
    },
    callerOfRequest(headers) {
      if (isOpen) return anyone()
      const presented = presentedBy(headers)
      const caller = fromToken(presented)
      if (caller !== undefined) return caller
      if (hasKey(presented)) return service()
      throw new ChannelError('UNAUTHENTICATED')
    },
    callerOfHandshake(auth, headers) {
      const { entityId } = auth
      if (isOpen) {
        const isAbsent = entityId === undefined || entityId === null
        return isAbsent ? anyone() : claiming(entityId, anyone)
      }
      const presented = presentedIn(auth, headers)
      const caller = fromToken(presented)
      if (caller !== undefined) return caller
      if (hasKey(presented)) return claiming(entityId, service)
      throw new ChannelError('UNAUTHENTICATED', nothingProved(presented))
    },
  }
}
