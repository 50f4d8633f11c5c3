import { z } from '@hono/zod-openapi'
import { ChannelError } from '../../../protocol/errors.ts'
import { DEFAULT_SERVER_ID, LIMITS } from '../../../protocol/limits.ts'
import { CHANNEL_TYPES } from '../../../protocol/model.ts'
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

const createBody = z
  .object({
    id: id('Chosen id; a new one when absent.').nullish(),
    name: name('Name of the channel.', 'General'),
    participantCentralUserIds: participantIds,
    ...serverFields,
    type: z.enum(CHANNEL_TYPES).nullish(),
    topic: topic.nullish(),
    metadata: metadataObject('Free form.').nullish(),
  })
  .openapi('CreateChannel')

const CREATE_WORDS =
  'Invalid payload. Required: name, message_server_id (UUID), participantCentralUserIds (array of UUIDs). Optional: type, metadata.'

const updateBody = z
  .object({
    name: z.string().max(LIMITS.maxNameLength).optional().openapi({ example: 'General' }),
    topic: topic.optional(),
    metadata: metadataObject('Replaces the metadata.').optional(),
    participantCentralUserIds: participantIds
      .optional()
      .openapi({ description: 'Replaces everyone who takes part.' }),
  })
  .openapi('UpdateChannel')

const channelEnvelope = envelope(channelRowSchema)

function collection(services: Services): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: CHANNELS,
      tag,
      summary: 'List channels',
      query: z.object(serverFields),
      success: {
        status: 200,
        description: `In order of creation; of all message servers when none is named. ${LIST_BOUNDS}`,
        schema: envelope(z.object({ channels: z.array(channelRowSchema) })),
      },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ query }) => {
        const channels = await services.channels.list(namedServer(query))
        return ok({ channels: channels.map(channelRow) })
      },
    }),
    endpoint({
      method: 'post',
      path: CHANNELS,
      tag,
      summary: 'Create a channel',
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
      errors: ['INVALID_PAYLOAD', 'SERVER_NOT_FOUND', 'CHANNEL_EXISTS'],
      handle: async ({ body }) => {
        const channel = await services.channels.create({
          id: body.id ?? undefined,
          serverId: namedServer(body) ?? DEFAULT_SERVER_ID,
          name: body.name,
          type: body.type ?? 'GROUP',
          topic: body.topic ?? undefined,
          metadata: body.metadata ?? undefined,
          participantIds: body.participantCentralUserIds,
        })
        return created(channelDetailsRow(channel))
      },
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
      description:
        'Replaces what is named and keeps the rest. Sockets see `channelUpdated`, unless nothing is named.',
      params: channelParams,
      body: updateBody,
      bodyExample: { name: 'General', topic: 'Anything goes' },
      success: { status: 200, description: 'The changed channel.', schema: channelEnvelope },
      errors: ['INVALID_PAYLOAD', 'CHANNEL_NOT_FOUND'],
      handle: async ({ params, body }) => {
        const { participantCentralUserIds, ...named } = body
        const channel = await services.channels.update({
          channelId: params.channelId,
          ...named,
          participantIds: participantCentralUserIds,
        })
        return ok(channelDetailsRow(channel))
      },
    }),
    endpoint({
      method: 'delete',
      path: `${CHANNELS}/{channelId}`,
      tag,
      summary: 'Delete a channel with its messages',
      description: 'Deleting it again changes nothing. Sockets see `channelDeleted`.',
      params: channelParams,
      success: { status: 204, description: 'Deleted, or gone already.' },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ params }) => {
        await services.channels.remove(params.channelId)
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
    errors: ['INVALID_PAYLOAD'],
    handle: async ({ query }) => {
      const { currentUserId, targetUserId, dmServerId } = query
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
