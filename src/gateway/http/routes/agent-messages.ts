import { z } from '@hono/zod-openapi'
import type { Guard } from '../../../log/log.ts'
import { isRestricted } from '../../../service/access.ts'
import type { Caller } from '../../../service/caller.ts'
import { present } from '../../../service/refusals.ts'
import type { Services } from '../../../service/services.ts'
import { newId } from '../../../util/new-id.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { hasContent, messageFields, nameIn, splitAttachments } from '../message-input.ts'
import { created, ok } from '../reply.ts'
import { messageRowSchema } from '../row-schemas.ts'
import { messageRow } from '../rows.ts'
import { anyJson, envelope, EXAMPLE, id, namedServer, word } from '../schemas.ts'
import { changesOf, editFields } from './single-messages.ts'

const tag = 'Agents'

const SUBMIT_WORDS =
  'Missing required fields: channel_id, message_server_id, author_id, content, source_type, raw_message'

const isMessageId = (field: string): boolean =>
  field === 'messageId' || field === 'in_reply_to_message_id'

const submitBody = z
  .object({
    channel_id: id('Channel; it must exist.'),
    ...messageFields,
    source_type: word('What wrote it.', 'agent_response'),
    raw_message: anyJson('The answer as the agent has it.').refine(
      (value) => value !== null && value !== '',
      'is required',
    ),
    in_reply_to_message_id: id('The message it answers.', EXAMPLE.message).nullish(),
    messageId: id(
      "Chosen id. Sent again, the first row is answered. With an agent's token it names the message for its author in its channel only, and the row has an id of the server's.",
      EXAMPLE.message,
    ).nullish(),
  })
  .refine(hasContent, 'content is required')
  .openapi('SubmitMessage')

interface Submission {
  readonly body: z.output<typeof submitBody>
  readonly caller: Caller
  readonly guard: Guard
}

/** Whether an id is taken would tell an agent of messages that it may not see: its own ids name its own. */
function namesOf({ body, caller }: Submission) {
  const chosen = body.messageId ?? undefined
  return isRestricted(caller) ? { id: newId(), clientMessageId: chosen } : { id: chosen ?? newId() }
}

async function submit(services: Services, submission: Submission) {
  const { body, guard } = submission
  const outcome = await services.messages.post({
    ...namesOf(submission),
    ...guard,
    channelId: body.channel_id,
    expectedServerId: namedServer(body),
    authorId: body.author_id,
    isOfAgent: true,
    senderName: nameIn(body.metadata, 'agentName') ?? 'Agent',
    text: body.content,
    source: body.source_type,
    ...splitAttachments(body),
    raw: body.raw_message,
    inReplyTo: body.in_reply_to_message_id ?? undefined,
  })
  return messageRow(present(outcome.message, 'submitted message'))
}

function submitting(
  services: Services,
  route: { readonly path: string; readonly summary: string; readonly source: string },
): Endpoint {
  return endpoint({
    method: 'post',
    path: `/api/messaging/${route.path}`,
    tag,
    summary: route.summary,
    access: { bodyChannel: 'send' },
    author: 'author_id',
    body: submitBody,
    bodyExample: {
      channel_id: EXAMPLE.channel,
      message_server_id: EXAMPLE.server,
      author_id: EXAMPLE.agent,
      content: 'Hello',
      source_type: route.source,
      raw_message: { text: 'Hello' },
    },
    invalid: {
      body: ({ field, isMissing, details }) => {
        if (isMissing) return SUBMIT_WORDS
        return isMessageId(field) ? `Invalid ${field} format` : details
      },
    },
    success: { status: 201, description: 'The row.', schema: envelope(messageRowSchema) },
    errors: ['INVALID_PAYLOAD', 'CHANNEL_NOT_FOUND', 'SERVER_NOT_FOUND', 'MESSAGE_ID_TAKEN'],
    handle: async ({ body, caller, guard }) =>
      created(await submit(services, { body, caller, guard })),
  })
}

const actionBody = z
  .object({
    ...editFields,
    author_id: id('Where given, it must be the author.', EXAMPLE.agent).nullish(),
    server_message_id: z.unknown().optional(),
  })
  .openapi('UpdateAction')

function updatingAction(services: Services): Endpoint {
  return endpoint({
    method: 'patch',
    path: '/api/messaging/action/{messageId}',
    tag,
    summary: "Update an action's message",
    access: { message: 'edit', by: 'agent' },
    params: z.object({ messageId: id('Message.', EXAMPLE.message) }),
    body: actionBody,
    bodyExample: { content: 'done', raw_message: { actionStatus: 'completed' } },
    invalid: {
      params: 'Invalid message id',
      body: ({ field, details }) => (isMessageId(field) ? `Invalid ${field} format` : details),
    },
    success: { status: 200, description: 'The changed row.', schema: envelope(messageRowSchema) },
    errors: ['INVALID_PAYLOAD', 'ACCESS_DENIED', 'MESSAGE_NOT_FOUND'],
    handle: async ({ params, body, guard }) => {
      const message = await services.messages.edit({
        ...params,
        ...guard,
        authorId: body.author_id ?? undefined,
        changes: changesOf(body),
      })
      return ok(messageRow(message))
    },
  })
}

/** What elizaOS agents call: their answers, and their actions while they run. */
export function agentMessageEndpoints(services: Services): readonly Endpoint[] {
  return [
    submitting(services, {
      path: 'submit',
      summary: "Submit an agent's message",
      source: 'agent_response',
    }),
    submitting(services, {
      path: 'action',
      summary: "Submit an agent's action",
      source: 'agent_action',
    }),
    updatingAction(services),
  ]
}
