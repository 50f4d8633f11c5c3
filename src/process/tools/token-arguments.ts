import { parseArgs } from 'node:util'
import type { z } from 'zod'
import { channelsSchema, TOKEN_ROLES } from '../../gateway/identity/claims.ts'
import { ID_RULE, idSchema } from '../../protocol/ids.ts'
import { CAPABILITIES } from '../../service/caller.ts'
import type { ChannelGrant } from '../../service/caller.ts'

type TokenRole = (typeof TOKEN_ROLES)[number]

/** The token that is wanted. */
export interface WantedToken {
  readonly sub: string
  readonly role: TokenRole
  readonly ttlSeconds: number
  /** Undefined: the token does not narrow what its holder may do. */
  readonly grants: readonly ChannelGrant[] | undefined
}

export const TOKEN_USAGE = `usage:
  npm run --silent token -- --sub <id> [--role <role>] [--ttl <time>] [--channel <grant> …]
  parley token --sub <id> …

  --sub <id>           who the token's holder is; ${ID_RULE}
  --role <role>        ${TOKEN_ROLES.join(', ')}; user when absent
  --ttl <time>         how long it is valid, such as 90s, 15m, 1h, 7d; 1h when absent
  --channel <grant>    what it allows where, such as "support-*=join,read,send"; repeat it for more;
                       of ${CAPABILITIES.join(', ')}; all that the role may when absent
  --channels <json>    the same as the claim itself, such as {"lobby":["join","read"]}

It is signed with PARLEY_JWT_SECRET and has PARLEY_JWT_ISSUER and PARLEY_JWT_AUDIENCE, from the environment
or the .env file, as the server reads them.
`

const OPTIONS = ['sub', 'role', 'ttl', 'channel', 'channels'] as const
type Option = (typeof OPTIONS)[number]

const isOption = (name: string): name is Option => OPTIONS.some((option) => option === name)

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
const DEFAULT_TTL = '1h'
/** Ten years: a token cannot be called back. */
const MAX_TTL_SECONDS = 3_650 * SECONDS.d
const TTL = /^(\d{1,9})([smhd])$/

/** False where an option has no value, and so took the next one's name for it. */
const isGiven = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && !value.startsWith('--')

/** Reads the arguments; collects what is wrong with them. */
class Reading {
  readonly problems: string[] = []
  readonly #values = new Map<Option, string[]>()

  constructor(args: readonly string[]) {
    const string = { type: 'string', multiple: true } as const
    const { values, positionals } = parseArgs({
      args: [...args],
      strict: false,
      allowPositionals: true,
      options: Object.fromEntries(OPTIONS.map((name) => [name, string])),
    })
    for (const word of positionals) this.problems.push(`${JSON.stringify(word)} is not understood`)
    for (const [name, given] of Object.entries(values)) this.#note(name, [given].flat())
  }

  #note(name: string, given: readonly unknown[]): void {
    if (!isOption(name)) {
      this.problems.push(`--${name} is no option of this command`)
      return
    }
    if (!given.every(isGiven)) this.problems.push(`--${name} needs a value`)
    this.#values.set(name, given.filter(isGiven))
  }

  one(name: Exclude<Option, 'channel'>): string | undefined {
    const values = this.#values.get(name) ?? []
    if (values.length > 1) this.problems.push(`--${name} is given ${values.length} times`)
    return values[0]
  }

  many(name: 'channel'): readonly string[] {
    return this.#values.get(name) ?? []
  }

  /** Whether it was given, with a value or without. */
  has(name: Option): boolean {
    return this.#values.has(name)
  }

  check<S extends z.ZodType>(what: string, schema: S, value: unknown): z.output<S> | undefined {
    const result = schema.safeParse(value)
    if (result.success) return result.data
    this.problems.push(`${what}: ${result.error.issues.map(({ message }) => message).join(', ')}`)
    return undefined
  }
}

function readSub(reading: Reading): string | undefined {
  const sub = reading.one('sub')
  if (sub !== undefined) return reading.check('--sub', idSchema, sub)
  if (!reading.has('sub')) reading.problems.push('--sub is missing: whose token is it?')
  return undefined
}

function readRole(reading: Reading): TokenRole | undefined {
  const named = reading.one('role') ?? 'user'
  const role = TOKEN_ROLES.find((one) => one === named)
  if (role === undefined) reading.problems.push(`--role: must be ${TOKEN_ROLES.join(', ')}`)
  return role
}

function readTtl(reading: Reading): number | undefined {
  const [, count = '0', unit = 's'] = TTL.exec(reading.one('ttl') ?? DEFAULT_TTL) ?? []
  const perUnit = new Map<string, number>(Object.entries(SECONDS)).get(unit) ?? 0
  const seconds = Number(count) * perUnit
  if (seconds >= 1 && seconds <= MAX_TTL_SECONDS) return seconds
  reading.problems.push('--ttl: must be a time such as 90s, 15m, 1h, 7d, at most 3650d')
  return undefined
}

function readJson(reading: Reading): readonly (readonly [string, unknown])[] {
  const text = reading.one('channels')
  if (text === undefined) return []
  try {
    const claim: unknown = JSON.parse(text)
    reading.check('--channels', channelsSchema, claim)
    return typeof claim === 'object' && claim !== null ? Object.entries(claim) : []
  } catch {
    // A SyntaxError: its position in a shell's argument helps nobody.
    reading.problems.push('--channels: is no JSON; quote it for the shell')
    return []
  }
}

function readGrant(reading: Reading, grant: string): readonly [string, readonly string[]] {
  const [pattern = '', list = ''] = grant.split('=')
  const allow = list.split(',').map((one) => one.trim())
  reading.check(`--channel ${JSON.stringify(grant)}`, channelsSchema, { [pattern]: allow })
  return [pattern, allow]
}

function readGrants(reading: Reading): readonly ChannelGrant[] | undefined {
  if (!reading.has('channel') && !reading.has('channels')) return undefined
  const before = reading.problems.length
  const fromJson = readJson(reading)
  const entries = [...fromJson, ...reading.many('channel').map((one) => readGrant(reading, one))]
  if (reading.problems.length > before) return undefined
  if (new Set(entries.map(([pattern]) => pattern)).size < entries.length) {
    reading.problems.push('--channel: a pattern is named twice')
  }
  return reading.check('--channel', channelsSchema, Object.fromEntries(entries))
}

/** Either the wanted token or everything that is wrong, one line for each problem. */
export function readTokenArguments(
  args: readonly string[],
): { readonly wanted: WantedToken } | { readonly problems: readonly string[] } {
  const reading = new Reading(args)
  const sub = readSub(reading)
  const role = readRole(reading)
  const ttlSeconds = readTtl(reading)
  const grants = readGrants(reading)
  const { problems } = reading
  const isRead = sub !== undefined && role !== undefined && ttlSeconds !== undefined
  return isRead && problems.length === 0
    ? { wanted: { sub, role, ttlSeconds, grants } }
    : { problems }
}
