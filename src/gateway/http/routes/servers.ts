import { z } from '@hono/zod-openapi'
import { DEFAULT_SERVER_ID, LIMITS } from '../../../protocol/limits.ts'
import { isAdmin, viewerOf } from '../../../service/access.ts'
import type { Caller } from '../../../service/caller.ts'
import { listedFor } from '../../../service/grants.ts'
import type { Services } from '../../../service/services.ts'
import type { JsonObject } from '../../../util/json.ts'
import { endpoint, whenMissing } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { created, noContent, ok } from '../reply.ts'
import { channelRowSchema, serverRowSchema } from '../row-schemas.ts'
import { channelRow, publicServerRow, serverRow } from '../rows.ts'
import { envelope, EXAMPLE, id, LIST_BOUNDS, metadataObject, name, word } from '../schemas.ts'

const SERVERS = '/api/messaging/message-servers'
const tag = 'Message servers'
const ALL_SERVERS = `All servers, in order of creation; with \`sourceId\` and \`metadata\` for administrators and services. ${LIST_BOUNDS}`

const serverParams = z.object({ messageServerId: id('Message server.', EXAMPLE.server) })

const createBody = z
  .object({
    id: id('Chosen id; a new one when absent.', EXAMPLE.server).nullish(),
    name: name('Name of the server.', 'My community'),
    sourceType: word('Where the server comes from.', 'discord'),
    sourceId: z.string().max(LIMITS.maxNameLength).nullish(),
    metadata: metadataObject('Free form.').nullish(),
  })
  .openapi('CreateMessageServer')

/** Where a server comes from, and what is noted about it, is for those who run it. */
async function rows(services: Services, caller: Caller): Promise<JsonObject[]> {
  const servers = await services.servers.list()
  return servers.map(isAdmin(caller) ? serverRow : publicServerRow)
}

function reads(services: Services): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/api/messaging/message-server/current',
      tag,
      summary: 'The default message server',
      access: 'caller',
      success: {
        status: 200,
        description: 'Its id.',
        schema: envelope(z.object({ messageServerId: z.string() })),
        example: { success: true, data: { messageServerId: DEFAULT_SERVER_ID } },
      },
      handle: () => ok({ messageServerId: DEFAULT_SERVER_ID }),
    }),
    endpoint({
      method: 'get',
      path: SERVERS,
      tag,
      summary: 'List message servers',
      access: 'caller',
      success: {
        status: 200,
        description: ALL_SERVERS,
        schema: envelope(z.object({ messageServers: z.array(serverRowSchema) })),
      },
      handle: async ({ caller }) => ok({ messageServers: await rows(services, caller) }),
    }),
    endpoint({
      method: 'get',
      path: `${SERVERS}/{messageServerId}/channels`,
      tag,
      summary: 'List the channels of a message server',
      access: 'caller',
      params: serverParams,
      success: {
        status: 200,
        description: `Its channels that you may see, in order of creation; none for an unknown server. ${LIST_BOUNDS}`,
        schema: envelope(z.object({ channels: z.array(channelRowSchema) })),
      },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ params, caller }) => {
        const channels = await services.channels.list(params.messageServerId, viewerOf(caller))
        return ok({ channels: listedFor(caller, channels).map(channelRow) })
      },
    }),
  ]
}

/** Clients of 1.2–1.6 ask here, and read `servers`. */
function olderLists(services: Services): Endpoint[] {
  return ['central-servers', 'servers'].map((older) =>
    endpoint({
      method: 'get',
      path: `/api/messaging/${older}`,
      tag,
      summary: 'List message servers (older name and shape)',
      access: 'caller',
      isDeprecated: true,
      success: {
        status: 200,
        description: ALL_SERVERS,
        schema: envelope(z.object({ servers: z.array(serverRowSchema) })),
      },
      handle: async ({ caller }) => ok({ servers: await rows(services, caller) }),
    }),
  )
}

function writes(services: Services): Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: SERVERS,
      tag,
      summary: 'Create a message server',
      access: 'admin',
      body: createBody,
      bodyExample: { name: 'My community', sourceType: 'discord' },
      invalid: { body: whenMissing('Missing required fields: name, sourceType') },
      success: {
        status: 201,
        description: 'The new server; the existing one when the chosen id is in use.',
        schema: envelope(z.object({ server: serverRowSchema })),
      },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ body }) => {
        const server = await services.servers.create({
          id: body.id ?? undefined,
          name: body.name,
          sourceType: body.sourceType,
          sourceId: body.sourceId ?? undefined,
          metadata: body.metadata ?? undefined,
        })
        return created({ server: serverRow(server) })
      },
    }),
    endpoint({
      method: 'delete',
      path: `${SERVERS}/{messageServerId}`,
      tag,
      summary: 'Delete a message server with its channels',
      access: 'admin',
      params: serverParams,
      success: { status: 204, description: 'Deleted.' },
      errors: ['INVALID_PAYLOAD', 'SERVER_NOT_FOUND', 'SERVER_PROTECTED', 'SERVER_TOO_LARGE'],
      handle: async ({ params }) => {
        await services.servers.remove(params.messageServerId)
        return noContent()
      },
    }),
  ]
}

/** Namespaces of channels. */
export function serverEndpoints(services: Services): readonly Endpoint[] {
  return [...reads(services), ...olderLists(services), ...writes(services)]
}
