import { ChannelError } from '../protocol/errors.ts'
import type { Cluster } from './cluster.ts'

/** An agent that a worker of this server is. */
export interface RunningAgent {
  readonly id: string
  readonly name: string
  /** Empty where the worker says nothing about itself. */
  readonly bio: string
}

type Workers = Pick<Cluster, 'workers'>

/** All of them, by name: workers that are no agents, and those that could not be loaded, are none. */
export async function runningAgents(cluster: Workers): Promise<readonly RunningAgent[]> {
  const workers = await cluster.workers()
  return workers
    .flatMap(({ agent }) => (agent === null ? [] : [agent]))
    .map(({ id, name, bio = '' }) => ({ id, name, bio }))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
}

/** @throws AGENT_NOT_FOUND. */
export async function runningAgent(cluster: Workers, agentId: string): Promise<RunningAgent> {
  const agents = await runningAgents(cluster)
  const agent = agents.find(({ id }) => id === agentId)
  if (agent === undefined) throw new ChannelError('AGENT_NOT_FOUND')
  return agent
}

/** The id of the agent that a worker is. @throws WORKER_NOT_FOUND where there is none that serves. */
export async function agentIdOfWorker(cluster: Workers, name: string): Promise<string> {
  const workers = await cluster.workers()
  const agent = workers.find((worker) => worker.name === name && worker.agent !== null)?.agent
  if (!agent) throw new ChannelError('WORKER_NOT_FOUND', 'No worker of this name is an agent.')
  return agent.id
}
