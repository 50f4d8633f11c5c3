import { z } from '@hono/zod-openapi'
import { isAdmin } from '../../../service/access.ts'
import type { AgentDirectory, ListedAgent } from '../../../service/agent-directory.ts'
import type { Caller } from '../../../service/caller.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { ok } from '../reply.ts'
import { agentExample, agentRowSchema } from '../row-schemas.ts'
import { agentRow, fullAgentRow } from '../rows.ts'
import { envelope, EXAMPLE, id } from '../schemas.ts'

const tag = 'Agents'

/** As the caller may see it. */
const rowFor = (caller: Caller, agent: ListedAgent) =>
  isAdmin(caller) ? fullAgentRow(agent) : agentRow(agent)

/** Agents of this server, as elizaOS's web client asks for them at its start. */
export function agentEndpoints(directory: AgentDirectory): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/api/agents',
      tag,
      summary: 'List agents',
      access: 'caller',
      success: {
        status: 200,
        description:
          'By name: the modules that are agents and serve, and those that are called over HTTP. An inactive one was stopped.',
        schema: envelope(z.object({ agents: z.array(agentRowSchema) })),
        example: { success: true, data: { agents: [agentExample] } },
      },
      errors: ['OVERLOADED'],
      handle: async ({ caller }) => {
        const agents = await directory.list()
        return ok({ agents: agents.map((agent) => rowFor(caller, agent)) })
      },
    }),
    endpoint({
      method: 'get',
      path: '/api/agents/{agentId}',
      tag,
      summary: 'Read an agent',
      access: 'caller',
      params: z.object({ agentId: id('Agent.', EXAMPLE.agent) }),
      invalid: { params: 'Invalid agent ID format' },
      success: {
        status: 200,
        description: 'The agent.',
        schema: envelope(agentRowSchema),
        example: { success: true, data: agentExample },
      },
      errors: ['INVALID_PAYLOAD', 'AGENT_NOT_FOUND', 'OVERLOADED'],
      handle: async ({ params, caller }) => ok(rowFor(caller, await directory.get(params.agentId))),
    }),
  ]
}
