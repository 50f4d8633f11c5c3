import { z } from '@hono/zod-openapi'
import type { Guard } from '../../../log/log.ts'
import { ChannelError } from '../../../protocol/errors.ts'
import { LIMITS } from '../../../protocol/limits.ts'
import { isRestricted, mayCreateBySending } from '../../../service/access.ts'
import { speaksAsAgent } from '../../../service/caller.ts'
import type { Caller } from '../../../service/caller.ts'
import { present } from '../../../service/refusals.ts'
import type { Services } from '../../../service/services.ts'
import { newId } from '../../../util/new-id.ts'
import { endpoint, whenMissing } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { hasContent, messageFields, nameIn, splitAttachments } from '../message-input.ts'
import { messageQuery, pageQuery } from '../page-query.ts'
import { noContent, ok } from '../reply.ts'
import { busMessageSchema, listedMessageSchema } from '../row-schemas.ts'
import { busRow, listedMessageRow } from '../rows.ts'
import { channelParams, envelope, EXAMPLE, id, namedServer } from '../schemas.ts'
import { checkTransport } from '../transport.ts'

const MESSAGES = '/api/messaging/channels/{channelId}/messages'
const tag = 'Messages'
const POST_WORDS = 'Missing required fields: channelId, message_server_id, author_id, content'

/** The poster's own id; numbers count as their digits, as on the socket. */
const clientMessageId = z
  .union([z.string(), z.number().transform(String)])
  .pipe(z.string().min(1).max(LIMITS.maxIdLength))

const postBody = z
  .object({
    ...messageFields,
    author_display_name: z.string().max(LIMITS.maxNameLength).nullish(),
    source_type: z.string().max(LIMITS.maxWordLength).nullish(),
    in_reply_to_message_id: id('An id that is none is ignored.', EXAMPLE.message)
      .nullish()
      .catch(undefined)
      .openapi({ type: 'string', example: EXAMPLE.message }),
    messageId: clientMessageId.nullish().openapi({
      type: 'string',
      description:
        'Your own id for it. Sent again by the same author in the same channel, nothing is posted and the first answer is repeated.',
    }),
    transport: z
      .unknown()
      .optional()
      .openapi({ type: 'string', enum: ['websocket', 'http', 'sse'], default: 'websocket' }),
    mode: z.unknown().optional().openapi({ type: 'string', description: 'Older `transport`.' }),
  })
  .refine(hasContent, 'content is required')
  .openapi('PostMessage')

interface Posting {
  readonly channelId: string
  readonly body: z.output<typeof postBody>
  readonly caller: Caller
  readonly guard: Guard
}

async function post(services: Services, { channelId, body, caller, guard }: Posting) {
  checkTransport(body.transport ?? body.mode)
  const serverId = namedServer(body)
  const outcome = await services.messages.post({
    id: newId(),
    channelId,
    serverId,
    expectedServerId: serverId,
    authorId: body.author_id,
    ...(speaksAsAgent(caller, body.author_id) && { isOfAgent: true }),
    senderName: body.author_display_name ?? nameIn(body.metadata, 'user_display_name'),
    text: body.content,
    source: body.source_type || 'eliza_gui',
    clientMessageId: body.messageId ?? undefined,
    ...splitAttachments(body),
    raw: body.raw_message ?? undefined,
    inReplyTo: body.in_reply_to_message_id ?? undefined,
    // An unknown channel and a hidden one are the same thing to a user or agent, so it makes neither.
    autoCreate: mayCreateBySending(caller) ? { createdBy: 'gui_auto_creation' } : undefined,
    ...guard,
  })
  return busRow(present(outcome.message, 'posted message'))
}

function posting(services: Services): Endpoint {
  return endpoint({
    method: 'post',
    path: MESSAGES,
    tag,
    summary: 'Post a message',
    description:
      'Stored before it is answered, then delivered to every socket in the channel. A channel that does not exist is created, on the message server that is named, but not for the token of a user or agent; one of another server is not posted to.',
    access: { channel: 'send' },
    author: 'author_id',
    params: channelParams,
    body: postBody,
    bodyExample: {
      author_id: EXAMPLE.user,
      message_server_id: EXAMPLE.server,
      content: 'Hello',
    },
    invalid: { params: POST_WORDS, body: whenMissing(POST_WORDS) },
    success: {
      status: 201,
      description: 'The stored message, under the old name and the new.',
      schema: z.object({
        success: z.literal(true),
        userMessage: busMessageSchema,
        data: busMessageSchema,
      }),
    },
    errors: ['INVALID_PAYLOAD', 'SERVER_NOT_FOUND'],
    handle: async ({ params, body, caller, guard }) => {
      const message = await post(services, { ...params, body, caller, guard })
      return { status: 201, json: { success: true, userMessage: message, data: message } }
    },
  })
}

function collection(services: Services): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: MESSAGES,
      tag,
      summary: 'List messages, newest first',
      access: { channel: 'read' },
      params: channelParams,
      query: pageQuery,
      success: {
        status: 200,
        description:
          'One page. It may hold fewer than `limit` messages and not be the last: it ends early at 8 MiB. `hasMore` says whether older messages lie behind it, within the same bounds; ask for them with the `seq` of its last row as `beforeSeq`. Empty for an unknown channel.',
        schema: envelope(
          z.object({ messages: z.array(listedMessageSchema), hasMore: z.boolean() }),
        ),
      },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ params, query }) => {
        const page = await services.messages.list(messageQuery(params.channelId, query))
        return ok({ messages: page.messages.map(listedMessageRow), hasMore: page.hasMore })
      },
    }),
    endpoint({
      method: 'delete',
      path: MESSAGES,
      tag,
      summary: 'Clear a channel: erase all its messages',
      description: 'All of them, however many. Sockets see `channelCleared`.',
      access: { channel: 'manage' },
      params: channelParams,
      success: { status: 204, description: 'No message is left.' },
      errors: ['INVALID_PAYLOAD'],
      handle: async ({ params, caller, guard }) => {
        if (isRestricted(caller)) await services.messages.clear(params.channelId, guard)
        else await clear(services, params.channelId)
        return noContent()
      },
    }),
  ]
}

/** A channel that does not exist has no messages, which is what was asked for. */
async function clear(services: Services, channelId: string): Promise<void> {
  try {
    await services.messages.clear(channelId)
  } catch (error) {
    if (error instanceof ChannelError && error.code === 'CHANNEL_NOT_FOUND') return
    throw error
  }
}

/** Messages of a channel: post, list, clear. */
export function messageEndpoints(services: Services): readonly Endpoint[] {
  return [posting(services), ...collection(services)]
}
