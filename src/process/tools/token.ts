import { createSecretKey } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Settings } from '../../config/settings.ts'
import { readSettings } from '../read-settings.ts'
import { Refusal } from '../refusal.ts'
import { readTokenArguments, TOKEN_USAGE } from './token-arguments.ts'
import type { WantedToken } from './token-arguments.ts'

const FAILED = 1
const MISUSED = 2
const MS_PER_SECOND = 1_000

type Signing = Pick<Settings, 'jwtIssuer' | 'jwtAudience'> & { readonly jwtSecret: string }

const NO_SECRET = 'PARLEY_JWT_SECRET is not set, in the environment or in .env'
const OTHER_ISSUER = 'PARLEY_JWKS_URL is set: tokens come from whoever has the private keys'

/** The settings that a token is signed by, or why there are none. */
function readSigning(): { readonly signing: Signing } | { readonly problem: string } {
  try {
    const { jwtSecret, jwksUrl, jwtIssuer, jwtAudience } = readSettings(process.env).settings
    if (jwtSecret !== undefined) return { signing: { jwtSecret, jwtIssuer, jwtAudience } }
    return { problem: jwksUrl === undefined ? NO_SECRET : OTHER_ISSUER }
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.message }
    throw error
  }
}

async function sign(wanted: WantedToken, signing: Signing): Promise<string> {
  const { sub, role, ttlSeconds, grants } = wanted
  const { jwtSecret, jwtIssuer, jwtAudience } = signing
  const nowSeconds = Math.floor(Date.now() / MS_PER_SECOND)
  const channels =
    grants && Object.fromEntries(grants.map(({ pattern, allow }) => [pattern, allow]))
  const token = new SignJWT({ role, ...(channels !== undefined && { channels }) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(sub)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + ttlSeconds)
  if (jwtIssuer !== undefined) token.setIssuer(jwtIssuer)
  if (jwtAudience !== undefined) token.setAudience(jwtAudience)
  return token.sign(createSecretKey(jwtSecret, 'utf8'))
}

/**
 * Prints a token that the server with these settings takes, and nothing else; or on the error stream all that
 * is wrong with the arguments and the settings, and how it is done. Resolves with the exit code.
 */
export async function makeToken(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(TOKEN_USAGE)
    return 0
  }
  const asked = readTokenArguments(args)
  const found = readSigning()
  if ('wanted' in asked && 'signing' in found) {
    process.stdout.write(`${await sign(asked.wanted, found.signing)}\n`)
    return 0
  }
  const wrong = [
    ...('problems' in asked ? asked.problems : []),
    ...('problem' in found ? [found.problem] : []),
  ]
  process.stderr.write(`parley token: no token was made:\n  ${wrong.join('\n  ')}\n${TOKEN_USAGE}`)
  return 'problems' in asked ? MISUSED : FAILED
}
