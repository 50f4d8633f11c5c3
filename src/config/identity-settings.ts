import { z } from 'zod'
import { isLoopbackHost } from './loopback.ts'
import { optionalText, setting, whole } from './setting.ts'

/** Bytes of the shortest secret for HS256 (RFC 7518 §3.2: as long as the hash). */
const MIN_SECRET_BYTES = 32

/** Whoever can change the answer on its way decides who gets in, so only this machine is asked without TLS. */
function isSafeAddress(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
}

/** `fetch` takes no address with a password. */
function hasCredentials(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { username, password } = new URL(text)
  return username !== '' || password !== ''
}

const keysAddress = z
  .string()
  .refine(isSafeAddress, 'must be an https URL (http for a loopback address only)')
  .refine((text) => !hasCredentials(text), 'must not have a user name or password in it')

/** Who may come in, and what a client's address is. */
export const IDENTITY_SETTINGS = {
  apiKey: setting({
    env: ['PARLEY_API_KEY', 'ELIZA_SERVER_AUTH_TOKEN', 'SERVER_API_KEY'],
    schema: optionalText,
    shown: '',
    isSecret: true,
    help: 'Key of services and administrators, for REST calls (`X-API-KEY`) and socket handshakes (`auth.apiKey`). Neither it nor tokens set: open mode, loopback only.',
  }),
  jwtSecret: setting({
    env: ['PARLEY_JWT_SECRET'],
    schema: z
      .string()
      .refine((secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES, {
        message: `must be at least ${MIN_SECRET_BYTES} bytes`,
      })
      .optional(),
    shown: '',
    isSecret: true,
    help: 'Secret of tokens (JWT, HS256), at least 32 bytes. Not together with `PARLEY_JWKS_URL`.',
  }),
  jwksUrl: setting({
    env: ['PARLEY_JWKS_URL'],
    schema: keysAddress.optional(),
    shown: '',
    help: 'URL of the JWK set with which tokens are verified (RS256, PS256, ES256, EdDSA). Not together with `PARLEY_JWT_SECRET`.',
  }),
  jwtIssuer: setting({
    env: ['PARLEY_JWT_ISSUER'],
    schema: optionalText,
    shown: '',
    help: 'The `iss` that a token must have. Empty: any, or none.',
  }),
  jwtAudience: setting({
    env: ['PARLEY_JWT_AUDIENCE'],
    schema: optionalText,
    shown: '',
    help: 'The `aud` that a token must have. Empty: any, or none.',
  }),
  jwtToleranceMs: setting({
    env: ['PARLEY_JWT_TOLERANCE_MS'],
    schema: whole(0, 300_000).default(5_000),
    shown: '5000',
    help: 'Milliseconds by which the clocks of the server and of whoever makes tokens may differ (`exp`, `nbf`).',
  }),
  trustProxy: setting({
    env: ['PARLEY_TRUST_PROXY'],
    schema: whole(0, 16).default(0),
    shown: '0',
    help: 'Number of reverse proxies in front whose `X-Forwarded-For` is believed; a client’s address is the one that the outermost of them saw.',
  }),
} as const
