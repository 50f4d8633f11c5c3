import { z } from '@hono/zod-openapi'
import { LIMITS } from '../../../protocol/limits.ts'
import type { EditInput } from '../../../service/messages.ts'
import type { Services } from '../../../service/services.ts'
import { endpoint, whenMissing } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { messageFields, nameIn, splitAttachments } from '../message-input.ts'
import { noContent, ok } from '../reply.ts'
import { listedMessageSchema } from '../row-schemas.ts'
import { listedMessageRow } from '../rows.ts'
import { channelParams, envelope, EXAMPLE, id } from '../schemas.ts'

const tag = 'Messages'
const messageId = id('Message.', EXAMPLE.message)

/** What an edit may name; also of `PATCH /action`. */
export const editFields = {
  content: z.string().optional().openapi({ example: 'Hello again' }),
  raw_message: messageFields.raw_message,
  metadata: messageFields.metadata,
  attachments: messageFields.attachments,
  source_type: z.string().min(1).max(LIMITS.maxWordLength).nullish(),
  in_reply_to_message_id: id('The message it answers.', EXAMPLE.message).nullish(),
} as const

const editSchema = z.object(editFields)

/** What an edit replaces. Metadata replaces the attachments with it, since they are read inside it. */
export function changesOf(body: z.output<typeof editSchema>): EditInput['changes'] {
  const { metadata, attachments } = splitAttachments(body)
  const isReplacing = metadata !== undefined || attachments !== undefined
  return {
    text: body.content,
    raw: body.raw_message ?? undefined,
    source: body.source_type ?? undefined,
    inReplyTo: body.in_reply_to_message_id ?? undefined,
    metadata,
    attachments: isReplacing ? (attachments ?? []) : undefined,
    senderName: nameIn(metadata, 'user_display_name') ?? nameIn(metadata, 'agentName'),
  }
}

const EDIT_WORDS = 'Missing or invalid fields: content, metadata or raw_message'
const editBody = editSchema
  .refine(
    (body) => Object.values(changesOf(body)).some((change) => change !== undefined),
    'nothing to change',
  )
  .openapi('EditMessage')

/** The two addresses of a message: by itself, and in its channel, where it must be. */
const ADDRESSES = [
  { path: '/api/messaging/messages/{messageId}', params: z.object({ messageId }) },
  {
    path: '/api/messaging/channels/{channelId}/messages/{messageId}',
    params: channelParams.extend({ messageId }),
  },
] as const

type Address = (typeof ADDRESSES)[number]

interface Named {
  readonly messageId: string
  readonly channelId?: string
}

const success = {
  status: 200,
  description: 'The message.',
  schema: envelope(listedMessageSchema),
} as const

function wordsOf(address: Address): string {
  return 'channelId' in address.params.shape
    ? 'Invalid channelId or messageId'
    : 'Invalid message id'
}

function at(services: Services, address: Address): Endpoint[] {
  const { path } = address
  const params: z.ZodType<Named> & z.ZodObject = address.params
  const words = { params: wordsOf(address) }
  const common = { path, tag, params, errors: ['INVALID_PAYLOAD', 'MESSAGE_NOT_FOUND'] } as const
  return [
    endpoint({
      ...common,
      method: 'get',
      summary: 'Read a message',
      access: { message: 'read' },
      invalid: words,
      success,
      handle: async ({ params: named }) => {
        const message = await services.messages.get(named.messageId, named.channelId)
        return ok(listedMessageRow(message))
      },
    }),
    endpoint({
      ...common,
      method: 'patch',
      summary: 'Edit a message',
      access: { message: 'edit' },
      description:
        'Replaces what is named. Sockets see a `messageBroadcast` with the same id and a new `seq`.',
      body: editBody,
      bodyExample: { content: 'Hello again' },
      invalid: { ...words, body: whenMissing(EDIT_WORDS) },
      success,
      handle: async ({ params: named, body, guard }) => {
        const message = await services.messages.edit({
          ...named,
          ...guard,
          changes: changesOf(body),
        })
        return ok(listedMessageRow(message))
      },
    }),
    endpoint({
      ...common,
      method: 'delete',
      summary: 'Delete a message',
      access: { message: 'delete' },
      description: 'Erases its content everywhere. Sockets see `messageDeleted`.',
      invalid: words,
      success: {
        status: 204,
        description: 'Deleted; for administrators and services also what was deleted before.',
      },
      handle: async ({ params: named, guard }) => {
        await services.messages.remove(named.messageId, named.channelId, guard)
        return noContent()
      },
    }),
  ]
}

/** One message: read, edit, delete. */
export function singleMessageEndpoints(services: Services): readonly Endpoint[] {
  return ADDRESSES.flatMap((address) => at(services, address))
}
