import { z } from '@hono/zod-openapi'
import type { Cluster } from '../../../service/cluster.ts'
import { runningAgent, runningAgents } from '../../../service/running-agents.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { ok } from '../reply.ts'
import { agentRowSchema } from '../row-schemas.ts'
import { agentRow } from '../rows.ts'
import { envelope, EXAMPLE, id } from '../schemas.ts'

const tag = 'Agents'

const example = {
  id: EXAMPLE.agent,
  name: 'Support',
  characterName: 'Support',
  bio: 'Knows the manual.',
  status: 'active',
}

/** Agents that run in this server, as elizaOS's web client asks for them at its start. */
export function agentEndpoints(cluster: Cluster): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/api/agents',
      tag,
      summary: 'List running agents',
      access: 'caller',
      success: {
        status: 200,
        description: 'The workers that are agents and serve, by name.',
        schema: envelope(z.object({ agents: z.array(agentRowSchema) })),
        example: { success: true, data: { agents: [example] } },
      },
      errors: ['OVERLOADED'],
      handle: async () => ok({ agents: (await runningAgents(cluster)).map(agentRow) }),
    }),
    endpoint({
      method: 'get',
      path: '/api/agents/{agentId}',
      tag,
      summary: 'Read a running agent',
      access: 'caller',
      params: z.object({ agentId: id('Agent.', EXAMPLE.agent) }),
      invalid: { params: 'Invalid agent ID format' },
      success: {
        status: 200,
        description: 'The agent.',
        schema: envelope(agentRowSchema),
        example: { success: true, data: example },
      },
      errors: ['INVALID_PAYLOAD', 'AGENT_NOT_FOUND', 'OVERLOADED'],
      handle: async ({ params }) => ok(agentRow(await runningAgent(cluster, params.agentId))),
    }),
  ]
}
