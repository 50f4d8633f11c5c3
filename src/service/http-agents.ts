import type { ChannelLog } from '../log/log.ts'
import type { HttpAgent } from '../protocol/http-agent.ts'
import { compact } from '../util/compact.ts'
import { agentIdOf } from './agent-id.ts'

type StoredAgent = Awaited<ReturnType<ChannelLog['agents']>>[number]

/** An agent as the settings have it; without an id its name says which. */
export interface FixedAgent extends Pick<HttpAgent, 'name' | 'url' | 'secret'> {
  readonly id?: string | undefined
  readonly bio?: string | undefined
}

/** An agent that is called over HTTP, wherever it is defined. */
export interface KnownHttpAgent {
  readonly id: string
  readonly definition: HttpAgent
  /** Whether the log defines it; else the settings do. */
  readonly isRegistered: boolean
  readonly isStopped: boolean
  /** Another one when it is to be begun anew. */
  readonly revision: string
}

export interface AgentSources {
  /** What the log knows. */
  readonly stored: readonly StoredAgent[]
  readonly fixed: readonly FixedAgent[]
  /** Ids of modules that are agents: they come first, then the settings, then the log. */
  readonly taken: ReadonlySet<string>
}

/** Which agents are stopped, whatever they are. */
export const stoppedIn = (stored: readonly StoredAgent[]): ReadonlySet<string> =>
  new Set(stored.filter(({ isStopped }) => isStopped).map(({ id }) => id))

/** All that are called over HTTP, each id once. */
export function httpAgentsOf({ stored, fixed, taken }: AgentSources): readonly KnownHttpAgent[] {
  const stopped = stoppedIn(stored)
  const ofSettings = fixed.map(({ id: given, ...fields }): KnownHttpAgent => {
    const definition = compact(fields)
    const id = given ?? agentIdOf(definition.name)
    return { id, definition, isRegistered: false, isStopped: stopped.has(id), revision: '' }
  })
  const registered = stored.flatMap(({ definition, ...agent }): readonly KnownHttpAgent[] =>
    definition === undefined ? [] : [{ ...agent, definition, isRegistered: true }],
  )
  const seen = new Set(taken)
  return [...ofSettings, ...registered].filter(({ id }) => {
    const isFirst = !seen.has(id)
    seen.add(id)
    return isFirst
  })
}
