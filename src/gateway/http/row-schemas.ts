import { z } from '@hono/zod-openapi'
import { CHANNEL_TYPES, VISIBILITIES } from '../../protocol/model.ts'
import { EXAMPLE } from './schemas.ts'

const idField = (example: string) => z.string().openapi({ example })
const timeField = z.string().openapi({ format: 'date-time', example: EXAMPLE.time })
const objectField = z.record(z.string(), z.unknown())
const times = { createdAt: timeField, updatedAt: timeField }

export const channelRowSchema = z
  .object({
    id: idField(EXAMPLE.channel),
    messageServerId: idField(EXAMPLE.server),
    name: z.string().openapi({ example: 'General' }),
    type: z.enum(CHANNEL_TYPES),
    sourceType: z.string().optional(),
    sourceId: z.string().optional(),
    topic: z.string().optional(),
    visibility: z.enum(VISIBILITIES),
    ownerId: z.string().optional().openapi({
      description: 'Who made it with a token, and manages it.',
      example: EXAMPLE.user,
    }),
    metadata: objectField.openapi({
      description:
        'Free form. Reads of one channel add `participantCentralUserIds`; it is ignored when it comes in.',
    }),
    ...times,
  })
  .openapi('Channel')

export const serverRowSchema = z
  .object({
    id: idField(EXAMPLE.server),
    name: z.string().openapi({ example: 'Default Server' }),
    sourceType: z.string().openapi({ example: 'eliza_default' }),
    sourceId: z.string().optional(),
    metadata: objectField.optional(),
    ...times,
  })
  .openapi('MessageServer')

const streamState = z.enum(['cancelled', 'interrupted', 'failed']).optional().openapi({
  description:
    "Of an agent's message that did not come to its end, how it ended: by a participant, with its process, or by an error.",
})

const messageFields = {
  id: idField(EXAMPLE.message),
  channelId: idField(EXAMPLE.channel),
  seq: z
    .number()
    .int()
    .openapi({ description: "The number of the message's posting in its channel.", example: 42 }),
  authorId: idField(EXAMPLE.user),
  senderName: z.string().optional(),
  content: z.string().openapi({ example: 'Hello' }),
  rawMessage: z.unknown().optional(),
  inReplyToRootMessageId: z.string().nullable(),
  sourceType: z.string().openapi({ example: 'socketio_client' }),
  sourceId: z.string().optional(),
  streamState,
  metadata: objectField,
  ...times,
}

export const messageRowSchema = z.object(messageFields).openapi('Message')

const epochMs = z.number().int().openapi({ description: 'Epoch ms.', example: EXAMPLE.timeMs })

export const listedMessageSchema = z
  .object({ ...messageFields, created_at: epochMs, updated_at: epochMs })
  .openapi('ListedMessage')

export const busMessageSchema = z
  .object({
    id: idField(EXAMPLE.message),
    channel_id: idField(EXAMPLE.channel),
    message_server_id: idField(EXAMPLE.server),
    author_id: idField(EXAMPLE.user),
    author_display_name: z.string(),
    content: z.string().openapi({ example: 'Hello' }),
    created_at: epochMs,
    seq: z.number().int().openapi({ example: 42 }),
    source_type: z.string().openapi({ example: 'eliza_gui' }),
    source_id: z.string().optional(),
    in_reply_to_message_id: z.string().optional(),
    raw_message: z.unknown().optional(),
    streamState,
    metadata: objectField,
  })
  .openapi('BusMessage')

export const agentRowSchema = z
  .object({
    id: idField(EXAMPLE.agent),
    name: z.string().openapi({ example: 'Support' }),
    characterName: z.string().openapi({ description: 'The same; elizaOS has both.' }),
    bio: z.string().openapi({ description: 'Empty where it says nothing about itself.' }),
    status: z.enum(['active', 'inactive']),
    url: z.string().optional().openapi({
      description: 'Of one that is called over HTTP, for administrators and services.',
    }),
  })
  .openapi('Agent')

/** One as the examples have it. */
export const agentExample = {
  id: EXAMPLE.agent,
  name: 'Support',
  characterName: 'Support',
  bio: 'Knows the manual.',
  status: 'active',
}

export const failureRowSchema = z
  .object({
    messageId: idField(EXAMPLE.message),
    channelId: idField(EXAMPLE.channel),
    attempts: z.number().int(),
    reason: z.string().openapi({ description: 'Of the last attempt; at most 1,000 characters.' }),
    failedAt: timeField,
    isRetrying: z.boolean().openapi({ description: 'It waits to be tried again, or is tried.' }),
    place: z.number().int().openapi({ description: "The message's number in the whole log." }),
  })
  .openapi('Failure')
