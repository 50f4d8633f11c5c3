import { z } from '@hono/zod-openapi'
import { ChannelError } from '../../../protocol/errors.ts'
import { DEFAULT_SERVER_ID, LIMITS } from '../../../protocol/limits.ts'
import { CHANNEL_TYPES, VISIBILITIES } from '../../../protocol/model.ts'
import {
  ownerOf,
  participantsGuardOf,
  requireFitting,
  requireParty,
  viewerOf,
} from '../../../service/access.ts'
import type { Caller } from '../../../service/caller.ts'
import { listedFor } from '../../../service/grants.ts'
import type { Services } from '../../../service/services.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { created, noContent, ok } from '../reply.ts'
import { channelRowSchema } from '../row-schemas.ts'
import { channelDetailsRow, channelRow } from '../rows.ts'
import {
  channelParams,
  envelope,
  EXAMPLE,
  id,
  LIST_BOUNDS,
  metadataObject,
  name,
  namedServer,
  serverFields,
} from '../schemas.ts'

const CHANNELS = '/api/messaging/channels'
const tag = 'Channels'

const participantIds = z
  .array(id('Entity.', EXAMPLE.user))
  .max(LIMITS.maxParticipantsPerRequest)
  .openapi({ description: 'Everyone who takes part; may be empty.', example: [EXAMPLE.user] })
const topic = z.string().max(LIMITS.maxNameLength).openapi({ example: 'Anything goes' })

const visibility = z.enum(VISIBILITIES).openapi({
  description:
    '`public`: everybody with a token may read it, join and send. `private`: only who takes part. When absent, SELF, DM, VOICE_DM and API channels are private, the others public. Conversations (SELF, DM, VOICE_DM) cannot be public.',
})

const createBody = z
  .object({
    id: id('Chosen id; a new one when absent. Not with the token of a user or agent.').nullish(),
    name: name('Name of the channel.', 'General'),
    participantCentralUserIds: participantIds,
    ...serverFields,
    type: z.enum(CHANNEL_TYPES).nullish(),
    topic: topic.nullish(),
    visibility: visibility.nullish(),
    metadata: metadataObject('Free form.').nullish(),
  })
  .openapi('CreateChannel')

const CREATE_WORDS =
  'Invalid payload. Required: name, message_server_id (UUID), participantCentralUserIds (array of UUIDs). Optional: type, metadata.'

const updateBody = z
  .object({
    name: z.string().max(LIMITS.maxNameLength).optional().openapi({ example: 'General' }),
    topic: topic.optional(),
    visibility: visibility.optional(),
    metadata: metadataObject('Replaces the metadata.').optional(),
    participantCentralUserIds: participantIds
      .optional()
      .openapi({ description: 'Replaces everyone who takes part.' }),
  })
  .openapi('UpdateChannel')

const channelEnvelope = envelope(channelRowSchema)

function create(services: Services, caller: Caller, body: z.output<typeof createBody>) {
  const { participantCentralUserIds: others } = body
  const chosenId = body.id ?? undefined
  const type = body.type ?? 'GROUP'
  const ownerId = ownerOf(caller, chosenId)
  requireFitting(caller, type, ownerId === undefined ? others : [ownerId, ...others])
  return services.channels.create({
    id: chosenId,
    serverId: namedServer(body) ?? DEFAULT_SERVER_ID,
    name: body.name,
    type,
    topic: body.topic ?? undefined,
    visibility: body.visibility ?? undefined,
    ownerId,
    metadata: body.metadata ?? undefined,
    participantIds: others,
  })
}

function collection(services: Services): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: CHANNELS,
      tag,
      summary: 'List channels',
      access: 'caller',
      query: z.object(serverFields),
      success: {
        status: 200,
        description: `Those that you may see, in order of creation; of all message servers when none is named. ${LIST_BOUNDS}`,
        schema: envelope(z.object({ channels: z.array(channelRowSchema) })),
      },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ query, caller }) => {
        const channels = await services.channels.list(namedServer(query), viewerOf(caller))
        return ok({ channels: listedFor(caller, channels).map(channelRow) })
      },
    }),
    endpoint({
      method: 'post',
      path: CHANNELS,
      tag,
      summary: 'Create a channel',
      description:
        'With the token of a user or agent, it is theirs to manage, and they take part first. Not with a token that lists channels.',
      access: 'caller',
      body: createBody,
      bodyExample: {
        name: 'General',
        message_server_id: EXAMPLE.server,
        participantCentralUserIds: [],
      },
      invalid: {
        body: ({ field, isMissing, details }) => {
          if (field in serverFields) return 'Invalid message_server_id format'
          return isMissing || field === 'participantCentralUserIds' ? CREATE_WORDS : details
        },
      },
      success: { status: 201, description: 'The new channel.', schema: channelEnvelope },
      errors: [
        'INVALID_PAYLOAD',
        'ACCESS_DENIED',
        'SERVER_NOT_FOUND',
        'CHANNEL_EXISTS',
        'TOO_MANY_PARTICIPANTS',
      ],
      handle: async ({ body, caller }) =>
        created(channelDetailsRow(await create(services, caller, body))),
    }),
  ]
}

function single(services: Services): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: `${CHANNELS}/{channelId}/details`,
      tag,
      summary: 'Read a channel',
      access: { channel: 'read' },
      params: channelParams,
      success: { status: 200, description: 'The channel.', schema: channelEnvelope },
      errors: ['INVALID_PAYLOAD', 'CHANNEL_NOT_FOUND'],
      handle: async ({ params }) =>
        ok(channelDetailsRow(await services.channels.get(params.channelId))),
    }),
    endpoint({
      method: 'patch',
      path: `${CHANNELS}/{channelId}`,
      tag,
      summary: 'Change a channel',
      access: { channel: 'manage' },
      description:
        'Replaces what is named and keeps the rest. Sockets see `channelUpdated`, unless nothing is named.',
      params: channelParams,
      body: updateBody,
      bodyExample: { name: 'General', topic: 'Anything goes' },
      success: { status: 200, description: 'The changed channel.', schema: channelEnvelope },
      errors: ['INVALID_PAYLOAD', 'CHANNEL_NOT_FOUND', 'TOO_MANY_PARTICIPANTS'],
      handle: async ({ params: { channelId }, body, caller }) => {
        const { participantCentralUserIds: everyone, ...named } = body
        const channel = await services.channels.update({
          channelId,
          ...participantsGuardOf(caller, channelId),
          ...named,
          participantIds: everyone,
        })
        return ok(channelDetailsRow(channel))
      },
    }),
    endpoint({
      method: 'delete',
      path: `${CHANNELS}/{channelId}`,
      tag,
      summary: 'Delete a channel with its messages',
      description:
        'Sockets see `channelDeleted`. Deleting it again changes nothing; users and agents then do not find it.',
      access: { channel: 'manage' },
      params: channelParams,
      success: { status: 204, description: 'Deleted, or gone already.' },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ params, guard }) => {
        await services.channels.remove(params.channelId, guard)
        return noContent()
      },
    }),
  ]
}

function dm(services: Services): Endpoint {
  return endpoint({
    method: 'get',
    path: '/api/messaging/dm-channel',
    tag,
    summary: 'The DM channel of two entities, created if there is none',
    description:
      'With the token of a user or agent, one of the two is its holder. Not with a token that lists channels.',
    access: 'caller',
    query: z.object({
      currentUserId: id('One of the two.', EXAMPLE.user),
      targetUserId: id('The other one.', EXAMPLE.agent),
      dmServerId: id(
        'Message server; an unknown one counts as the default.',
        EXAMPLE.server,
      ).optional(),
    }),
    invalid: {
      query: ({ field }) =>
        field === 'dmServerId' ? 'Invalid dmServerId' : 'Missing targetUserId or currentUserId',
    },
    success: { status: 200, description: 'The one channel.', schema: channelEnvelope },
    errors: ['INVALID_PAYLOAD', 'ACCESS_DENIED'],
    handle: async ({ query, caller }) => {
      const { currentUserId, targetUserId, dmServerId } = query
      requireParty(caller, [currentUserId, targetUserId])
      if (currentUserId === targetUserId) {
        throw new ChannelError('INVALID_PAYLOAD', 'Cannot create DM channel with oneself')
      }
      const channel = await services.channels.getOrCreateDm({
        userId: currentUserId,
        targetId: targetUserId,
        serverId: dmServerId,
      })
      return ok(channelDetailsRow(channel))
    },
  })
}

/** Channels: create, list, read, change, delete. */
export function channelEndpoints(services: Services): readonly Endpoint[] {
  return [...collection(services), ...single(services), dm(services)]
}
