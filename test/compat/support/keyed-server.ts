import { startGuarded } from '../../cluster/support/guarded-server.ts'
import type { GuardedServer } from '../../cluster/support/guarded-server.ts'

export type { GuardedServer as KeyedServer } from '../../cluster/support/guarded-server.ts'

/** The real executable with a key set. */
export function startKeyedServer(apiKey: string): Promise<GuardedServer> {
  return startGuarded({ PARLEY_API_KEY: apiKey })
}
