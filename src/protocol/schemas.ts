import { z } from 'zod'
import { isJsonWithin, isPlainJson } from '../util/json.ts'
import type { Json, JsonObject } from '../util/json.ts'
import { idSchema } from './ids.ts'
import { LIMITS } from './limits.ts'
import { LOG_LEVEL_NAMES } from './log-levels.ts'

const PLAIN_JSON = `must be plain JSON, nested at most ${LIMITS.maxJsonDepth} levels; binary data is refused`

/** A field that clients leave out or send as null when they mean "none". */
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined)

/** The same for ids, which some send empty. */
const optionalId = z.preprocess((value) => (value === '' ? null : value), optional(idSchema))
const optionalName = optional(z.string().max(LIMITS.maxNameLength))

const jsonObject = z
  .custom<JsonObject>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      isPlainJson(value, LIMITS.maxJsonDepth),
    { error: PLAIN_JSON, abort: true },
  )
  .refine(
    (value) => isJsonWithin(value, LIMITS.maxMetadataBytes),
    `must be at most ${LIMITS.maxMetadataBytes} bytes of JSON`,
  )
const jsonList = z.custom<readonly Json[]>(
  (value) => Array.isArray(value) && isPlainJson(value, LIMITS.maxJsonDepth),
  PLAIN_JSON,
)

/** A client's own message id. Numbers are kept as their digits. */
const clientMessageId = optional(
  z
    .union([z.string(), z.number().transform(String)])
    .pipe(z.string().min(1).max(LIMITS.maxIdLength)),
)

/** Channel by either of its names; `channelId` wins. */
const channelRef = { channelId: optionalId, roomId: optionalId }

/** Where a resuming client stands. */
const since = z.object({
  epoch: z.string().max(LIMITS.maxIdLength),
  seq: z.number().int().min(0),
})

export const joinSchema = z.object({
  ...channelRef,
  entityId: optionalId,
  /** Echoed as sent; elizaOS does not look at it either. */
  agentId: optional(z.string().max(LIMITS.maxIdLength)),
  serverId: optionalId,
  messageServerId: optionalId,
  metadata: optional(jsonObject),
  since: optional(since),
})
export type JoinPayload = z.output<typeof joinSchema>

export const leaveSchema = z.object(channelRef)

export const sendSchema = z.object({
  ...channelRef,
  serverId: optionalId,
  messageServerId: optionalId,
  senderId: optionalId,
  senderName: optionalName,
  message: optional(z.string('message must be a string.')),
  messageId: clientMessageId,
  source: optional(z.string().max(LIMITS.maxWordLength)),
  metadata: optional(jsonObject),
  attachments: optional(
    jsonList.refine((list) => list.length <= LIMITS.maxAttachments, {
      message: `at most ${LIMITS.maxAttachments} attachments`,
    }),
  ),
  targetUserId: optionalId,
})
export type SendPayload = z.output<typeof sendSchema>

export const typingSchema = z.object({ ...channelRef, entityId: optionalId })

export const genericSchema = z.object({
  type: z.union([z.string(), z.number()]),
  payload: z.unknown().optional(),
})

export const logFilterSchema = z.object({
  agentName: optional(z.string().max(LIMITS.maxNameLength)),
  level: optional(
    z.enum(['all', ...LOG_LEVEL_NAMES], `level must be all, ${LOG_LEVEL_NAMES.join(', ')}`),
  ),
})

/** What is wrong with a payload, by field, in one line. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map((issue) =>
      issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message,
    )
    .join('; ')
}
