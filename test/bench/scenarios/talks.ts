import { randomUUID } from 'node:crypto'
import { DEFAULT_SERVER_ID } from '../../../src/protocol/limits.ts'
import { channelPath, restData } from '../../cluster/support/rest.ts'
import type { ConnectionPlan } from '../load/plan.ts'
import type { ServerUnderTest } from '../scenario.ts'

/** Requests at a time. */
const CONCURRENCY = 8
/** Who hears a message there: the person; the agent reads from the log. */
const MEMBERS = 1

interface AgentRow {
  readonly id: string
  readonly name: string
}

async function agentIds(url: string): Promise<ReadonlyMap<string, string>> {
  const path = '/api/agents'
  const { agents } = await restData<{ readonly agents: readonly AgentRow[] }>(url, { path })
  return new Map(agents.map(({ id, name }) => [name, id]))
}

async function createTalk(url: string, agentId: string): Promise<ConnectionPlan> {
  const entityId = randomUUID()
  const { id: channelId } = await restData<{ readonly id: string }>(url, {
    method: 'POST',
    path: '/api/messaging/channels',
    body: {
      name: 'a talk',
      type: 'GROUP',
      message_server_id: DEFAULT_SERVER_ID,
      participantCentralUserIds: [entityId, agentId],
    },
  })
  return { entityId, channelId, memberCount: MEMBERS, isSender: true }
}

/** Creates channels of one person and one agent each, dealt to the agents in turn. */
export async function planTalks(
  { port }: ServerUnderTest,
  channelCount: number,
  agentNames: readonly string[],
): Promise<readonly ConnectionPlan[]> {
  const url = `http://127.0.0.1:${port}`
  const ids = await agentIds(url)
  const missing = agentNames.find((name) => !ids.has(name))
  if (missing !== undefined) throw new Error(`the server does not run the agent "${missing}"`)
  const talks: ConnectionPlan[] = []
  const waiting = Array.from({ length: channelCount }).keys()
  const lane = async (): Promise<void> => {
    for (const index of waiting) {
      const name = agentNames[index % agentNames.length] ?? ''
      talks.push(await createTalk(url, ids.get(name) ?? ''))
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, lane))
  return talks
}

/** Says something in the channel of a talk, over REST. */
export async function say(
  { port }: ServerUnderTest,
  { channelId = '', entityId }: ConnectionPlan,
  content: string,
): Promise<void> {
  await restData<unknown>(`http://127.0.0.1:${port}`, {
    method: 'POST',
    path: `${channelPath(channelId)}/messages`,
    body: { author_id: entityId, content, message_server_id: DEFAULT_SERVER_ID },
  })
}
