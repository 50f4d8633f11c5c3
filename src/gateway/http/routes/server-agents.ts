import { z } from '@hono/zod-openapi'
import type { Services } from '../../../service/services.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { created, ok } from '../reply.ts'
import { envelope, EXAMPLE, id } from '../schemas.ts'

const AGENTS = '/api/messaging/message-servers/{messageServerId}/agents'
const tag = 'Message servers'
const words = 'Invalid messageServerId or agentId format'

const messageServerId = id('Message server.', EXAMPLE.server)
const agentId = id('Agent.', EXAMPLE.agent)
const serverParams = z.object({ messageServerId })
const bothParams = z.object({ messageServerId, agentId })

const changed = envelope(
  z.object({ messageServerId: z.string(), agentId: z.string(), message: z.string() }),
)

function changes(services: Services): Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: AGENTS,
      tag,
      summary: 'Add an agent to a message server',
      access: 'admin',
      params: serverParams,
      body: z.object({ agentId }),
      bodyExample: { agentId: EXAMPLE.agent },
      invalid: { params: words, body: words },
      success: { status: 201, description: 'Added, or there already.', schema: changed },
      errors: ['INVALID_PAYLOAD', 'SERVER_NOT_FOUND'],
      handle: async ({ params, body }) => {
        await services.servers.addAgent(params.messageServerId, body.agentId)
        const message = 'Agent added to message server successfully'
        return created({ messageServerId: params.messageServerId, agentId: body.agentId, message })
      },
    }),
    endpoint({
      method: 'delete',
      path: `${AGENTS}/{agentId}`,
      tag,
      summary: 'Remove an agent from a message server',
      access: 'admin',
      params: bothParams,
      invalid: { params: words },
      success: { status: 200, description: 'Removed, or gone already.', schema: changed },
      errors: ['INVALID_PAYLOAD', 'SERVER_NOT_FOUND'],
      handle: async ({ params }) => {
        await services.servers.removeAgent(params.messageServerId, params.agentId)
        const message = 'Agent removed from message server successfully'
        return ok({ ...params, message })
      },
    }),
  ]
}

/** Which agents belong to which message servers. */
export function serverAgentEndpoints(services: Services): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: AGENTS,
      tag,
      summary: 'List the agents of a message server',
      access: 'caller',
      params: serverParams,
      invalid: { params: 'Invalid messageServerId format' },
      success: {
        status: 200,
        description: 'Their ids, in order of addition.',
        schema: envelope(z.object({ messageServerId: z.string(), agents: z.array(z.string()) })),
      },
      errors: ['INVALID_PAYLOAD', 'SERVER_NOT_FOUND'],
      handle: async ({ params }) =>
        ok({ ...params, agents: await services.servers.agents(params.messageServerId) }),
    }),
    ...changes(services),
    endpoint({
      method: 'get',
      path: '/api/messaging/agents/{agentId}/message-servers',
      tag,
      summary: 'List the message servers of an agent',
      access: 'caller',
      params: z.object({ agentId }),
      invalid: { params: 'Invalid agentId format' },
      success: {
        status: 200,
        description: 'Their ids.',
        schema: envelope(z.object({ agentId: z.string(), messageServers: z.array(z.string()) })),
      },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ params }) =>
        ok({ ...params, messageServers: await services.servers.serversOf(params.agentId) }),
    }),
  ]
}
