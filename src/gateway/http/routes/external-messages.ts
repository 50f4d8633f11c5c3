import { z } from '@hono/zod-openapi'
import type { Guard } from '../../../log/log.ts'
import { DEFAULT_SERVER_ID, LIMITS } from '../../../protocol/limits.ts'
import { present } from '../../../service/refusals.ts'
import type { Services } from '../../../service/services.ts'
import { newId } from '../../../util/new-id.ts'
import { endpoint, whenMissing } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { hasContent, messageFields, nameIn, splitAttachments } from '../message-input.ts'
import { EXAMPLE, id, namedServer, serverFields } from '../schemas.ts'

const tag = 'Agents'

const ingestBody = z
  .object({
    channel_id: id('Channel; it must exist.'),
    ...messageFields,
    author_display_name: z.string().max(LIMITS.maxNameLength).nullish(),
    source_type: z.string().max(LIMITS.maxWordLength).nullish().openapi({ example: 'discord' }),
    source_id: z.string().max(LIMITS.maxIdLength).nullish().openapi({
      description: "The message's id in its own world; ingested again, nothing is posted.",
      example: '1180000000000000000',
    }),
    in_reply_to_message_id: id('The message it answers.', EXAMPLE.message).nullish(),
  })
  .refine(hasContent, 'content is required')
  .openapi('IngestMessage')

async function ingest(
  services: Services,
  body: z.output<typeof ingestBody>,
  guard: Guard,
): Promise<string> {
  const source = body.source_type || 'external'
  const sourceId = body.source_id || undefined
  const outcome = await services.messages.post({
    id: newId(),
    ...guard,
    channelId: body.channel_id,
    expectedServerId: namedServer(body),
    authorId: body.author_id,
    senderName: body.author_display_name ?? nameIn(body.metadata, 'user_display_name'),
    text: body.content,
    source,
    sourceId,
    // A bridge that repeats itself after a lost answer must not post twice.
    clientMessageId: sourceId === undefined ? undefined : `ext:${source}:${sourceId}`,
    ...splitAttachments(body),
    raw: body.raw_message ?? undefined,
    inReplyTo: body.in_reply_to_message_id ?? undefined,
  })
  return present(outcome.message, 'ingested message').id
}

const completeBody = z
  .object({
    channel_id: id('Channel.'),
    ...serverFields,
    messageId: id('The message that is complete.', EXAMPLE.message).nullish(),
    message_id: id('Another name of `messageId`.', EXAMPLE.message).nullish(),
  })
  .openapi('CompleteMessage')

function ingesting(services: Services): Endpoint {
  return endpoint({
    method: 'post',
    path: '/api/messaging/ingest-external',
    tag,
    summary: 'Post a message of another platform',
    access: { bodyChannel: 'send' },
    author: 'author_id',
    body: ingestBody,
    bodyExample: {
      channel_id: EXAMPLE.channel,
      message_server_id: EXAMPLE.server,
      author_id: EXAMPLE.user,
      content: 'Hello',
      source_type: 'discord',
      source_id: '1180000000000000000',
    },
    invalid: { body: whenMissing('Invalid external message payload') },
    success: {
      status: 202,
      description: 'Stored and delivered.',
      schema: z.object({
        success: z.literal(true),
        message: z.string(),
        data: z.object({ messageId: z.string() }),
      }),
    },
    errors: ['INVALID_PAYLOAD', 'CHANNEL_NOT_FOUND', 'SERVER_NOT_FOUND'],
    handle: async ({ body, guard }) => {
      const messageId = await ingest(services, body, guard)
      const message = 'Message ingested and published to bus'
      return { status: 202, json: { success: true, message, data: { messageId } } }
    },
  })
}

function completing(services: Services): Endpoint {
  return endpoint({
    method: 'post',
    path: '/api/messaging/complete',
    tag,
    summary: 'Say that nothing more will come',
    access: { bodyChannel: 'send' },
    description:
      'Sockets in the channel see `messageComplete`: of a message that is named once, and not where it was complete already. Not stored.',
    body: completeBody,
    bodyExample: { channel_id: EXAMPLE.channel, server_id: EXAMPLE.server },
    invalid: { body: whenMissing('Missing or invalid fields: channel_id, server_id') },
    success: {
      status: 200,
      description: 'Sent.',
      schema: z.object({ success: z.literal(true), message: z.string() }),
    },
    errors: ['INVALID_PAYLOAD'],
    handle: async ({ body }) => {
      const messageId = body.messageId ?? body.message_id
      await services.messages.complete({
        channelId: body.channel_id,
        serverId: namedServer(body) ?? DEFAULT_SERVER_ID,
        ...(messageId && { messageId }),
      })
      return { status: 200, json: { success: true, message: 'Completion event emitted' } }
    },
  })
}

/** Messages from other worlds, and the word that no more will come. */
export function externalMessageEndpoints(services: Services): readonly Endpoint[] {
  return [ingesting(services), completing(services)]
}
