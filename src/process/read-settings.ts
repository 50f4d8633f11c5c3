import { readFileSync } from 'node:fs'
import { loadSettings, mergeEnvironment } from '../config/load.ts'
import type { Environment } from '../config/load.ts'
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
}

/** The settings of a server that is started here: the environment and the `.env` file. @throws Refusal */
export function readSettings(environment: Environment): ReadSettings {
  const loaded = loadSettings(mergeEnvironment(environment, readDotEnv()))
  if ('settings' in loaded) return loaded
  throw new Refusal(['these settings are wrong:', ...loaded.problems].join('\n  '))
}
