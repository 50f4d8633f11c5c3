import { z } from 'zod'
import { idSchema } from '../../protocol/ids.ts'
import { CAPABILITIES } from '../../service/caller.ts'
import type { Caller } from '../../service/caller.ts'
import { canonicalId } from '../../util/ids.ts'

/** Patterns in one `channels` claim. Past it the token is refused. */
export const MAX_PATTERNS = 256
/** Characters of one pattern. Past it the token is refused. */
export const MAX_PATTERN_LENGTH = 256
/** Epoch seconds of the last moment that a `Date` can tell; a later `exp` is a mistake. */
const LAST_SECOND = 8_640_000_000_000
const MS_PER_SECOND = 1_000

/** What the `role` claim may say; `user` where there is none. */
export const TOKEN_ROLES = ['user', 'agent', 'admin'] as const

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const patternSchema = z
  .string()
  .min(1, 'a pattern must not be empty')
  .max(MAX_PATTERN_LENGTH, `a pattern has at most ${MAX_PATTERN_LENGTH} characters`)
  .transform(canonicalId)

const allowSchema = z
  .array(z.enum(CAPABILITIES, `must be of ${CAPABILITIES.join(', ')}`))
  .max(CAPABILITIES.length, `has at most ${CAPABILITIES.length} capabilities`)

/** The claim `channels`: an object of pattern to list of capabilities, as grants. */
export const channelsSchema = z
  .custom<Readonly<Record<string, unknown>>>(isObject, 'must be an object')
  .transform((claim) => Object.entries(claim))
  .pipe(
    z
      .array(z.tuple([patternSchema, allowSchema]))
      .max(MAX_PATTERNS, `has at most ${MAX_PATTERNS} patterns`),
  )
  .transform((entries) => entries.map(([pattern, allow]) => ({ pattern, allow })))

/** What a token has to say, its signature, issuer, audience and `nbf` aside. */
const claimsSchema = z.object({
  sub: idSchema,
  role: z.enum(TOKEN_ROLES, `must be ${TOKEN_ROLES.join(', ')}`).default('user'),
  channels: channelsSchema.optional(),
  exp: z.number().max(LAST_SECOND).optional(),
})

/**
 * Whom verified claims name, until `exp` and the tolerance are over; a token without `exp` never ends.
 *
 * @throws ZodError when a claim is not as it must be: nobody is let in with less than the token meant.
 */
export function callerFrom(claims: unknown, toleranceMs: number): Caller {
  const { sub, role, channels, exp } = claimsSchema.parse(claims)
  const expiresAtMs = exp === undefined ? undefined : exp * MS_PER_SECOND + toleranceMs
  return { role, entityId: sub, grants: channels, expiresAtMs }
}
