import { z } from '@hono/zod-openapi'
import { ChannelError } from '../../../protocol/errors.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { ok } from '../reply.ts'
import { envelope, EXAMPLE, id } from '../schemas.ts'

const tag = 'Agents'

const agentSchema = z
  .object({ id: z.string(), name: z.string(), status: z.enum(['active', 'inactive']) })
  .openapi('Agent')

/** Agents that run in this server, as elizaOS's web client asks for them at its start: none yet. */
export function agentEndpoints(): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/api/agents',
      tag,
      summary: 'List running agents',
      access: 'caller',
      success: {
        status: 200,
        description: 'The agents.',
        schema: envelope(z.object({ agents: z.array(agentSchema) })),
        example: { success: true, data: { agents: [] } },
      },
      handle: () => ok({ agents: [] }),
    }),
    endpoint({
      method: 'get',
      path: '/api/agents/{agentId}',
      tag,
      summary: 'Read a running agent',
      access: 'caller',
      params: z.object({ agentId: id('Agent.', EXAMPLE.agent) }),
      invalid: { params: 'Invalid agent ID format' },
      success: { status: 200, description: 'The agent.', schema: envelope(agentSchema) },
      errors: ['INVALID_PAYLOAD', 'AGENT_NOT_FOUND'],
      handle: () => {
        throw new ChannelError('AGENT_NOT_FOUND')
      },
    }),
  ]
}
