import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { ChannelError } from '../protocol/errors.ts'
import type { HttpAgent } from '../protocol/http-agent.ts'
import { HostList, isPublicAddress } from '../util/addresses.ts'
import { compact } from '../util/compact.ts'
import { agentIdOf } from './agent-id.ts'
import type { AgentRegistry } from './agent-registry.ts'
import type { Cluster } from './cluster.ts'
import { httpAgentsOf, stoppedIn } from './http-agents.ts'
import type { FixedAgent } from './http-agents.ts'

/** An agent of this server. */
export interface ListedAgent {
  readonly id: string
  readonly name: string
  /** Empty where it says nothing about itself. */
  readonly bio: string
  /** False for one that was stopped. */
  readonly isActive: boolean
  /** Where it is defined: only those of the log can be changed over REST. */
  readonly origin: 'module' | 'runtime' | 'settings' | 'log'
  /** Of one that is called over HTTP. */
  readonly url?: string
}

/** What a new agent is made of; what is absent is derived or drawn. */
export interface AgentDraft extends Pick<HttpAgent, 'name' | 'url'> {
  readonly id?: string | undefined
  readonly secret?: string | undefined
  readonly bio?: string | undefined
}

export interface AgentDirectoryOptions {
  readonly registry: AgentRegistry
  readonly cluster: Pick<Cluster, 'workers'>
  /** Those of the settings. */
  readonly fixed: readonly FixedAgent[]
  /** `PARLEY_WEBHOOK_ALLOW`. */
  readonly allow: readonly string[]
}

/** Bytes of a secret that is drawn. */
const SECRET_BYTES = 32

/** What to do about an agent that is not the log's to change. */
const ELSEWHERE = {
  module: 'This agent is a module: change or remove its file, or stop it.',
  runtime: 'This agent is an elizaOS runtime: change it in its program, or stop it.',
  settings: 'This agent is one of PARLEY_AGENTS: change it there, or stop it.',
} as const

/** The agents of this server, whatever they are: modules, runtimes, those of the settings, and those that were added. */
export class AgentDirectory {
  readonly #options: AgentDirectoryOptions
  readonly #allow: HostList

  constructor(options: AgentDirectoryOptions) {
    this.#options = options
    this.#allow = new HostList(options.allow)
  }

  /** All of them, by name: workers that are no agents, and those that could not be loaded, are none. */
  async list(): Promise<readonly ListedAgent[]> {
    const { registry, cluster, fixed } = this.#options
    const [workers, stored] = await Promise.all([cluster.workers(), registry.list()])
    const stopped = stoppedIn(stored)
    const running = workers.flatMap(({ agent, file }): readonly ListedAgent[] => {
      if (agent === null) return []
      const { id, name, bio = '' } = agent
      const origin = file === null ? 'runtime' : 'module'
      return [{ id, name, bio, isActive: !stopped.has(id), origin }]
    })
    const taken = new Set(running.map(({ id }) => id))
    const others = httpAgentsOf({ stored, fixed, taken }).map(
      ({ id, definition: { name, url, bio = '' }, isRegistered, isStopped }): ListedAgent => {
        const origin = isRegistered ? 'log' : 'settings'
        return { id, name, bio, isActive: !isStopped, origin, url }
      },
    )
    return [...running, ...others].toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
  }

  /** @throws AGENT_NOT_FOUND. */
  async get(agentId: string): Promise<ListedAgent> {
    const agents = await this.list()
    const agent = agents.find(({ id }) => id === agentId)
    if (agent === undefined) throw new ChannelError('AGENT_NOT_FOUND')
    return agent
  }

  /**
   * Adds an agent that is called over HTTP. Answers its secret, which nobody is told again, where none was given.
   *
   * @throws AGENT_EXISTS, TOO_MANY_AGENTS; INVALID_PAYLOAD for a URL that would never be called.
   */
  async create(draft: AgentDraft): Promise<ListedAgent & { readonly secret?: string }> {
    const { id: agentId = agentIdOf(draft.name), name, url, bio, secret: given } = draft
    this.#checkUrl(url)
    const agents = await this.list()
    if (agents.some(({ id }) => id === agentId)) throw new ChannelError('AGENT_EXISTS')
    const secret = given ?? `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`
    const definition = compact({ name, url, secret, bio })
    await this.#options.registry.create(agentId, definition)
    const created = {
      id: agentId,
      name,
      bio: bio ?? '',
      isActive: true,
      origin: 'log',
      url,
    } as const
    return given === undefined ? { ...created, secret } : created
  }

  /** @throws AGENT_NOT_FOUND; AGENT_PROTECTED for those that the log does not define; INVALID_PAYLOAD as `create`. */
  async update(agentId: string, changes: Partial<AgentDraft>): Promise<ListedAgent> {
    const { name, url, secret, bio } = changes
    if (url !== undefined) this.#checkUrl(url)
    const agent = await this.#changeable(agentId)
    await this.#options.registry.update(agentId, compact({ name, url, secret, bio }))
    return { ...agent, ...compact({ name, url, bio }) }
  }

  /**
   * Removes it with what it gave up; of a module or runtime that is gone, that it was stopped.
   *
   * @throws AGENT_NOT_FOUND, AGENT_PROTECTED.
   */
  async remove(agentId: string): Promise<void> {
    const { registry } = this.#options
    const [agents, stored] = await Promise.all([this.list(), registry.list()])
    const isListed = agents.some(({ id }) => id === agentId)
    if (isListed || stored.every(({ id }) => id !== agentId)) await this.#changeable(agentId)
    await registry.remove(agentId)
  }

  /** Has a stopped agent run again, from now on: what was said meanwhile it does not answer. @throws AGENT_NOT_FOUND. */
  async start(agentId: string): Promise<ListedAgent> {
    const agent = await this.get(agentId)
    await this.#options.registry.start(agentId)
    return { ...agent, isActive: true }
  }

  /** Nobody runs it any more, also after a restart; it stays where it takes part. @throws AGENT_NOT_FOUND. */
  async stop(agentId: string): Promise<ListedAgent> {
    const agent = await this.get(agentId)
    await this.#options.registry.stop(agentId)
    return { ...agent, isActive: false }
  }

  async #changeable(agentId: string): Promise<ListedAgent> {
    const agent = await this.get(agentId)
    if (agent.origin === 'log') return agent
    throw new ChannelError('AGENT_PROTECTED', ELSEWHERE[agent.origin])
  }

  /** What can be said without looking a name up; the rest is decided with every call. */
  #checkUrl(text: string): void {
    const { protocol, hostname } = new URL(text)
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const isAddress = isIP(host) !== 0
    if (this.#allow.hasName(host) || (isAddress && this.#allow.hasAddress(host))) return
    if (isAddress && !isPublicAddress(host)) {
      throw new ChannelError(
        'INVALID_PAYLOAD',
        `url: ${host} is not a public address; PARLEY_WEBHOOK_ALLOW makes exceptions`,
      )
    }
    if (protocol !== 'https:' && (isAddress || !this.#allow.hasRanges)) {
      throw new ChannelError(
        'INVALID_PAYLOAD',
        'url: must be an https URL; PARLEY_WEBHOOK_ALLOW makes exceptions',
      )
    }
  }
}

/** The id of the agent that a worker is. @throws WORKER_NOT_FOUND where there is none that serves. */
export async function agentIdOfWorker(
  cluster: Pick<Cluster, 'workers'>,
  name: string,
): Promise<string> {
  const workers = await cluster.workers()
  const agent = workers.find((worker) => worker.name === name && worker.agent !== null)?.agent
  if (!agent) throw new ChannelError('WORKER_NOT_FOUND', 'No worker of this name is an agent.')
  return agent.id
}
