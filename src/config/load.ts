import { parseEnv } from 'node:util'
import { isLoopbackHost } from './loopback.ts'
import { misspeltName } from './nearest-name.ts'
import { SETTINGS } from './settings.ts'
import type { Settings } from './settings.ts'

export interface Environment {
  readonly [name: string]: string | undefined
}

/**
 * Either all settings, frozen, with the `PARLEY_*` names that mean nothing here, or everything that is
 * wrong, one line for each problem.
 */
export type LoadedSettings =
  | { readonly settings: Settings; readonly unknown: readonly string[] }
  | { readonly problems: readonly string[] }

/** Characters of a refused value that a message repeats. */
const MAX_SHOWN_LENGTH = 120

/** What a process sees: the real environment wins over the text of a `.env` file. */
export function mergeEnvironment(real: Environment, dotEnv: string): Environment {
  return { ...parseEnv(dotEnv), ...real }
}

interface Found {
  readonly name: string
  readonly value: string | undefined
}

/** The first of the names that has a value; blank counts as unset. */
function find(environment: Environment, names: readonly [string, ...string[]]): Found {
  for (const name of names) {
    const value = environment[name]?.trim()
    if (value !== undefined && value !== '') return { name, value }
  }
  return { name: names[0], value: undefined }
}

/** A password in an address: `//name:password@`. */
const CREDENTIALS = /\/\/[^/@]*@/g

function shown(value: string | undefined, isSecret: boolean): string {
  if (isSecret) return '[redacted]'
  const text = JSON.stringify(value ?? '').replaceAll(CREDENTIALS, '//[redacted]@')
  return text.length <= MAX_SHOWN_LENGTH ? text : `${text.slice(0, MAX_SHOWN_LENGTH)}…`
}

interface Unknown {
  readonly name: string
  readonly meant: string | undefined
}

function unknownNames(environment: Environment): Unknown[] {
  const known = Object.values(SETTINGS).flatMap(({ env }): readonly string[] => env)
  const ours = known.filter((name) => name.startsWith('PARLEY_'))
  return Object.keys(environment)
    .filter((name) => name.startsWith('PARLEY_') && !known.includes(name))
    .toSorted()
    .map((name) => ({ name, meant: misspeltName(name, ours) }))
}

/** What single settings cannot see. A setting that was refused is missing, and nothing is said about it twice. */
function contradictions(settings: Partial<Settings>): string[] {
  return [...openToOthers(settings), ...twoKindsOfTokens(settings), ...idleChecks(settings)]
}

const isRefused = (settings: Partial<Settings>, name: keyof Settings): boolean =>
  !Object.hasOwn(settings, name)

/** How tokens can be verified: with a secret, or with keys from an address. */
const TOKEN_SOURCES = ['jwtSecret', 'jwksUrl'] as const

const hasTokens = (settings: Partial<Settings>): boolean =>
  TOKEN_SOURCES.some((name) => settings[name] !== undefined || isRefused(settings, name))

function openToOthers(settings: Partial<Settings>): string[] {
  const { host, apiKey, isInsecure } = settings
  if (host === undefined || isLoopbackHost(host)) return []
  if (isInsecure !== false || apiKey !== undefined || hasTokens(settings)) return []
  return [
    `PARLEY_HOST=${shown(host, false)}: is reachable from other machines and nobody has to authenticate; ` +
      'set PARLEY_API_KEY, PARLEY_JWT_SECRET or PARLEY_JWKS_URL, or a loopback address ' +
      '(127.0.0.1, ::1, localhost), or PARLEY_INSECURE=1',
  ]
}

function twoKindsOfTokens({ jwtSecret, jwksUrl }: Partial<Settings>): string[] {
  if (jwtSecret === undefined || jwksUrl === undefined) return []
  return ['PARLEY_JWT_SECRET and PARLEY_JWKS_URL: set one of them; tokens come from one issuer']
}

/** A check of tokens where there are none would silently not hold. */
function idleChecks(settings: Partial<Settings>): string[] {
  if (hasTokens(settings)) return []
  const checks = [
    ['PARLEY_JWT_ISSUER', settings.jwtIssuer],
    ['PARLEY_JWT_AUDIENCE', settings.jwtAudience],
  ] as const
  return checks.flatMap(([name, value]) =>
    value === undefined
      ? []
      : [`${name}=${shown(value, false)}: needs PARLEY_JWT_SECRET or PARLEY_JWKS_URL`],
  )
}

/**
 * Reads every setting and reports everything that is wrong at once, by environment name, with the
 * refused value and what is allowed; a person should not have to start twice to learn of two
 * mistakes. A misspelt name is a problem too: its limit would silently not hold. Names that resemble
 * none of ours may belong to another version or another program, and are only handed back.
 * Secrets are never part of a message.
 */
export function loadSettings(environment: Environment): LoadedSettings {
  const values: unknown[][] = []
  const problems: string[] = []
  for (const [key, { env, schema, ...rest }] of Object.entries(SETTINGS)) {
    const { name, value } = find(environment, env)
    const result = schema.safeParse(value)
    if (result.success) {
      values.push([key, result.data])
      continue
    }
    const allowed = result.error.issues.map(({ message }) => message).join(', ')
    problems.push(`${name}=${shown(value, 'isSecret' in rest)}: ${allowed}`)
  }
  const unknown = unknownNames(environment)
  for (const { name, meant } of unknown) {
    if (meant !== undefined) problems.push(`${name} is not a setting; did you mean ${meant}?`)
  }
  const settings: Settings = Object.freeze(Object.fromEntries(values))
  problems.push(...contradictions(settings))
  if (problems.length > 0) return { problems }
  return { settings, unknown: unknown.map(({ name }) => name) }
}
