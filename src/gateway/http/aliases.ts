import type { Endpoint } from './endpoint.ts'

/** elizaOS's older names for the same routes; clients of 1.2–1.6 use them. */
const ALIASES: readonly (readonly [prefix: string, aliases: readonly string[]])[] = [
  ['/api/messaging/channels', ['/api/messaging/central-channels']],
  ['/api/messaging/message-servers', ['/api/messaging/central-servers', '/api/messaging/servers']],
]

const isUnder = (path: string, prefix: string): boolean =>
  path === prefix || path.startsWith(`${prefix}/`)

function renamed(endpoint: Endpoint, path: string): Endpoint {
  return { ...endpoint, path, isDeprecated: true, summary: `${endpoint.summary} (older name)` }
}

/** The endpoint under all its older names that no endpoint claims for itself. */
function aliasesOf(endpoint: Endpoint, isTaken: (key: string) => boolean): Endpoint[] {
  const { method, path } = endpoint
  return ALIASES.filter(([prefix]) => isUnder(path, prefix))
    .flatMap(([prefix, aliases]) => aliases.map((alias) => alias + path.slice(prefix.length)))
    .filter((alias) => !isTaken(keyOf({ method, path: alias })))
    .map((alias) => renamed(endpoint, alias))
}

const keyOf = ({ method, path }: Pick<Endpoint, 'method' | 'path'>): string => `${method} ${path}`

/** Every endpoint, followed by its older names. */
export function withAliases(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const own = new Set(endpoints.map(keyOf))
  return endpoints.flatMap((endpoint) => [endpoint, ...aliasesOf(endpoint, (key) => own.has(key))])
}
