import { z } from '@hono/zod-openapi'
import { LIMITS } from '../../../protocol/limits.ts'
import { participantsGuardOf } from '../../../service/access.ts'
import type { Services } from '../../../service/services.ts'
import { endpoint, whenMissing } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { created, ok } from '../reply.ts'
import { channelParams, envelope, EXAMPLE, id } from '../schemas.ts'

const CHANNEL = '/api/messaging/channels/{channelId}'
const tag = 'Participants'

const entityId = id('Entity.', EXAMPLE.user)
const entityParams = channelParams.extend({ entityId })

const addBody = z
  .object({
    entityId: entityId.optional(),
    userId: entityId.optional().openapi({ description: 'Another name of `entityId`.' }),
    entityIds: z.array(entityId).max(LIMITS.maxParticipantsPerRequest).optional(),
    isAgent: z.boolean().optional().openapi({ description: 'Whether they are agents.' }),
  })
  .refine((body) => idsOf(body).length > 0, 'entityId, userId or entityIds is required')
  .openapi('AddParticipants')

function idsOf(body: {
  readonly entityId?: string | undefined
  readonly userId?: string | undefined
  readonly entityIds?: readonly string[] | undefined
}): string[] {
  const { entityId: one, userId = one, entityIds = [] } = body
  return userId === undefined ? [...entityIds] : [userId, ...entityIds]
}

const idList = envelope(z.array(z.string()).openapi({ example: [EXAMPLE.user, EXAMPLE.agent] }))
const changed = envelope(z.object({ channelId: z.string(), participants: z.array(z.string()) }))

async function participantIds(services: Services, channelId: string): Promise<string[]> {
  const participants = await services.participants.list(channelId)
  return participants.map((participant) => participant.entityId)
}

function changes(services: Services): Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: `${CHANNEL}/participants`,
      tag,
      summary: 'Add participants to a channel',
      description: 'Atomic: additions and removals that race are all applied.',
      access: { channel: 'manage' },
      params: channelParams,
      body: addBody,
      bodyExample: { entityId: EXAMPLE.user },
      invalid: { body: whenMissing('Missing or invalid fields: entityId') },
      success: { status: 201, description: 'Everyone who takes part now.', schema: changed },
      errors: ['INVALID_PAYLOAD', 'CHANNEL_NOT_FOUND', 'TOO_MANY_PARTICIPANTS'],
      handle: async ({ params: { channelId }, body, caller }) => {
        const isAgent = body.isAgent === true
        const ids = idsOf(body)
        const add = ids.map((added) => ({ entityId: added, isAgent }))
        await services.participants.add(channelId, add, participantsGuardOf(caller, channelId))
        return created({ channelId, participants: await participantIds(services, channelId) })
      },
    }),
    endpoint({
      method: 'delete',
      path: `${CHANNEL}/participants/{entityId}`,
      tag,
      summary: 'Remove a participant from a channel',
      access: { channel: 'manage', orSelf: 'entityId' },
      params: entityParams,
      success: {
        status: 200,
        description:
          'Everyone who takes part now; nobody is named to whoever took itself out and may not read the channel any more.',
        schema: changed,
      },
      errors: ['INVALID_PAYLOAD', 'CHANNEL_NOT_FOUND', 'PARTICIPANT_NOT_FOUND'],
      handle: async ({ params: { channelId, entityId: removed }, caller }) => {
        const guard = participantsGuardOf(caller, channelId)
        await services.participants.remove(channelId, removed, guard)
        const mayRead = await services.access.may(caller, 'read', channelId)
        const participants = mayRead ? await participantIds(services, channelId) : []
        return ok({ channelId, participants })
      },
    }),
  ]
}

/** Who takes part in a channel, and who of them is connected. */
export function participantEndpoints(services: Services): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: `${CHANNEL}/participants`,
      tag,
      summary: 'List the participants of a channel',
      access: { channel: 'read' },
      params: channelParams,
      success: {
        status: 200,
        description: 'Their ids, in order of addition; none for an unknown channel.',
        schema: idList,
      },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ params }) => ok(await participantIds(services, params.channelId)),
    }),
    ...changes(services),
    endpoint({
      method: 'get',
      path: `${CHANNEL}/presence`,
      tag,
      summary: 'Who is connected in a channel',
      access: { channel: 'read' },
      description: 'Over all gateways; an entity with several connections counts once.',
      params: channelParams,
      success: {
        status: 200,
        description: 'The connected entities, in order of arrival.',
        schema: envelope(
          z.object({ channelId: z.string(), entities: z.array(z.string()), count: z.number() }),
        ),
        example: {
          success: true,
          data: { channelId: EXAMPLE.channel, entities: [EXAMPLE.user], count: 1 },
        },
      },
      errors: ['INVALID_PAYLOAD', 'WRITER_UNAVAILABLE'],
      handle: async ({ params: { channelId } }) => {
        const entities = await services.presence.list(channelId)
        return ok({ channelId, entities, count: entities.length })
      },
    }),
  ]
}
