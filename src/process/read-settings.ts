import { readFileSync } from 'node:fs'
import { loadSettings, mergeEnvironment } from '../config/load.ts'
import type { Environment } from '../config/load.ts'
import { SETTINGS } from '../config/settings.ts'
import type { Settings } from '../config/settings.ts'
import { codeOf, reasonOf } from './error-facts.ts'
import { Refusal } from './refusal.ts'

function readDotEnv(): string {
  try {
    return readFileSync('.env', 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw new Refusal(`.env cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}

export interface ReadSettings {
  readonly settings: Settings
  /** `PARLEY_*` names that mean nothing here. */
  readonly unknown: readonly string[]
  /** What workers may ask for by prefix: all but the server's own settings, under whichever name. */
  readonly workerEnvironment: Readonly<Record<string, string>>
}

const OWN_NAMES: ReadonlySet<string> = new Set(
  Object.values(SETTINGS).flatMap(({ env }): readonly string[] => env),
)

function withoutOwn(environment: Environment): Readonly<Record<string, string>> {
  const others = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      !OWN_NAMES.has(entry[0]) &&
      !entry[0].toUpperCase().startsWith('PARLEY_'),
  )
  return Object.fromEntries(others)
}

/** The settings of a server that is started here: the environment and the `.env` file. @throws Refusal */
export function readSettings(environment: Environment): ReadSettings {
  const merged = mergeEnvironment(environment, readDotEnv())
  const loaded = loadSettings(merged)
  if ('settings' in loaded) return { ...loaded, workerEnvironment: withoutOwn(merged) }
  throw new Refusal(['these settings are wrong:', ...loaded.problems].join('\n  '))
}
