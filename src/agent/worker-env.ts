import type { WorkerEnv } from './worker.ts'

/** Ends with an underscore, so that `A_` does not show what belongs to `APPLE_`. */
const PREFIX = /^[A-Za-z][A-Za-z0-9_]*_$/

/** Why a module may not have the settings under this prefix; undefined when it may. */
export function prefixProblem(prefix: string): string | undefined {
  if (!PREFIX.test(prefix)) {
    return `env must be a prefix such as "SUPPORT_": letters, digits and underscores, with an underscore at its end`
  }
  if (prefix.toUpperCase().startsWith('PARLEY_')) {
    return `env must not begin with PARLEY_: those are the server's own settings, its secrets included`
  }
  return undefined
}

/** What a worker sees: the names with its prefix, whole, and nothing else; frozen. */
export function envOf(
  environment: Readonly<Record<string, string>>,
  prefix: string | undefined,
): WorkerEnv {
  if (prefix === undefined) return Object.freeze({})
  const own = Object.entries(environment).filter(([name]) => name.startsWith(prefix))
  return Object.freeze(Object.fromEntries(own))
}
