import { z } from '@hono/zod-openapi'
import { participantsGuardOf } from '../../../service/access.ts'
import type { Services } from '../../../service/services.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { created, ok } from '../reply.ts'
import { channelParams, envelope, EXAMPLE, id } from '../schemas.ts'

const AGENTS = '/api/messaging/channels/{channelId}/agents'
const tag = 'Participants'
const words = 'Invalid channelId or agentId format'

const agentId = id('Agent.', EXAMPLE.agent)
const changed = envelope(
  z.object({ channelId: z.string(), agentId: z.string(), message: z.string() }),
)

/** Agents that take part in a channel. */
export function channelAgentEndpoints(services: Services): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: AGENTS,
      tag,
      summary: 'List the participants of a channel, agents or not',
      access: { channel: 'read' },
      params: channelParams,
      invalid: { params: 'Invalid channelId format' },
      success: {
        status: 200,
        description: 'Everyone who takes part, as in elizaOS; none for an unknown channel.',
        schema: envelope(z.object({ channelId: z.string(), participants: z.array(z.string()) })),
      },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ params }) => {
        const participants = await services.participants.list(params.channelId)
        return ok({ ...params, participants: participants.map(({ entityId }) => entityId) })
      },
    }),
    endpoint({
      method: 'post',
      path: AGENTS,
      tag,
      summary: 'Add an agent to a channel',
      access: { channel: 'manage' },
      params: channelParams,
      body: z.object({ agentId }),
      bodyExample: { agentId: EXAMPLE.agent },
      invalid: { params: words, body: words },
      success: { status: 201, description: 'Added, or there already.', schema: changed },
      errors: ['INVALID_PAYLOAD', 'CHANNEL_NOT_FOUND', 'TOO_MANY_PARTICIPANTS'],
      handle: async ({ params: { channelId }, body, caller }) => {
        const { agentId: added } = body
        const add = [{ entityId: added, isAgent: true }]
        await services.participants.add(channelId, add, participantsGuardOf(caller, channelId))
        const message = 'Agent added to channel successfully'
        return created({ channelId, agentId: added, message })
      },
    }),
    endpoint({
      method: 'delete',
      path: `${AGENTS}/{agentId}`,
      tag,
      summary: 'Remove an agent from a channel',
      access: { channel: 'manage', orSelf: 'agentId' },
      params: channelParams.extend({ agentId }),
      invalid: { params: words },
      success: { status: 200, description: 'Removed.', schema: changed },
      errors: ['INVALID_PAYLOAD', 'CHANNEL_NOT_FOUND', 'PARTICIPANT_NOT_FOUND'],
      handle: async ({ params, caller }) => {
        const guard = participantsGuardOf(caller, params.channelId)
        await services.participants.removeAgent(params.channelId, params.agentId, guard)
        return ok({ ...params, message: 'Agent removed from channel successfully' })
      },
    }),
  ]
}
