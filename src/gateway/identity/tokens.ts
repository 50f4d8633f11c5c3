import { createSecretKey } from 'node:crypto'
import { errors, jwtVerify } from 'jose'
import type { JWTPayload, JWTVerifyOptions } from 'jose'
import { ZodError } from 'zod'
import type { Settings } from '../../config/settings.ts'
import { ChannelError } from '../../protocol/errors.ts'
import type { Caller } from '../../service/caller.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { callerFrom } from './claims.ts'
import { createKeySet } from './key-set.ts'
import { RememberedCallers } from './remembered-callers.ts'

export type TokenSettings = Pick<
  Settings,
  'jwtSecret' | 'jwksUrl' | 'jwtIssuer' | 'jwtAudience' | 'jwtToleranceMs'
>

/** A secret signs with this and nothing else, or a public key could pass for the secret. */
const SECRET_ALGORITHMS = ['HS256']
/** Key pairs sign with these: never with what a public key could be the secret of. */
const KEY_PAIR_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA']

/** Characters of a token; what its claims may hold fits. Past it TOKEN_INVALID, unread. */
const MAX_TOKEN_LENGTH = 131_072

const MS_PER_SECOND = 1_000

/** Tells whom tokens name. */
export interface Tokens {
  /**
   * The caller, at once where the token was verified lately.
   *
   * @throws TOKEN_INVALID, TOKEN_EXPIRED; AUTH_UNAVAILABLE when there are no keys to verify it with.
   */
  verify(token: string): Caller | Promise<Caller>
}

type Verify = (token: string) => Promise<JWTPayload>

function createVerify(settings: TokenSettings, logger: Logger): Verify | undefined {
  const { jwtSecret, jwksUrl, jwtIssuer, jwtAudience, jwtToleranceMs } = settings
  const options: JWTVerifyOptions = {
    clockTolerance: jwtToleranceMs / MS_PER_SECOND,
    ...(jwtIssuer !== undefined && { issuer: jwtIssuer }),
    ...(jwtAudience !== undefined && { audience: jwtAudience }),
  }
  if (jwtSecret !== undefined) {
    const key = createSecretKey(jwtSecret, 'utf8')
    const pinned = { ...options, algorithms: SECRET_ALGORITHMS }
    return async (token) => (await jwtVerify(token, key, pinned)).payload
  }
  if (jwksUrl === undefined) return undefined
  const keys = createKeySet(new URL(jwksUrl), logger)
  const pinned = { ...options, algorithms: KEY_PAIR_ALGORITHMS }
  return async (token) => (await jwtVerify(token, keys, pinned)).payload
}

/** What makes a token no token: itself, its claims, or (a `TypeError`) a key too weak to be trusted. */
const isRefused = (error: unknown): error is Error =>
  error instanceof errors.JOSEError || error instanceof ZodError || error instanceof TypeError

/** The refusal of a token. What is known of the reason is for the log only. */
function refusalOf(error: unknown, logger: Logger): unknown {
  if (!isRefused(error)) return error
  const level = error instanceof TypeError ? 'warn' : 'debug'
  logger[level]({ reason: error.message }, 'token refused')
  const code = error instanceof errors.JWTExpired ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID'
  return new ChannelError(code, undefined, { cause: error })
}

/** The caller, while its token has not expired. `jose` looks at whole seconds and not at what is remembered. */
function current(caller: Caller): Caller {
  const { expiresAtMs } = caller
  if (expiresAtMs === undefined || Date.now() < expiresAtMs) return caller
  throw new ChannelError('TOKEN_EXPIRED')
}

/** Undefined when the settings name neither a secret nor keys. */
export function createTokens(settings: TokenSettings, logger: Logger): Tokens | undefined {
  const verifySigned = createVerify(settings, logger)
  if (verifySigned === undefined) return undefined
  const remembered = new RememberedCallers()
  const verifyAnew = async (token: string): Promise<Caller> => {
    try {
      const caller = callerFrom(await verifySigned(token), settings.jwtToleranceMs)
      remembered.add(token, caller)
      return current(caller)
    } catch (error) {
      throw refusalOf(error, logger)
    }
  }
  return {
    verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) throw new ChannelError('TOKEN_INVALID')
      const caller = remembered.get(token)
      return caller === undefined ? verifyAnew(token) : current(caller)
    },
  }
}
