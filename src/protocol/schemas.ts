import { z } from 'zod'
import { isPlainJson } from '../util/json.ts'
import type { Json, JsonObject } from '../util/json.ts'
import { idSchema } from './ids.ts'
import { LIMITS } from './limits.ts'
import { LOG_LEVEL_NAMES } from './log-levels.ts'

const PLAIN_JSON = `must be plain JSON, nested at most ${LIMITS.maxJsonDepth} levels; binary data is refused`

/** An id that clients send empty or as null when they mean "none". */
const optionalId = z
  .preprocess((value) => (value === '' ? undefined : value), idSchema.nullish())
  .transform((value) => value ?? undefined)
const optionalName = z.string().max(LIMITS.maxNameLength).nullish()

const jsonObject = z.custom<JsonObject>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    isPlainJson(value, LIMITS.maxJsonDepth),
  PLAIN_JSON,
)
const jsonList = z.custom<readonly Json[]>(
  (value) => Array.isArray(value) && isPlainJson(value, LIMITS.maxJsonDepth),
  PLAIN_JSON,
)

/** A client's own message id. Numbers are kept as their digits. */
const clientMessageId = z
  .union([z.string(), z.number().transform(String)])
  .pipe(z.string().min(1).max(LIMITS.maxIdLength))
  .nullish()

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
  agentId: z.string().max(LIMITS.maxIdLength).nullish(),
  serverId: optionalId,
  messageServerId: optionalId,
  metadata: jsonObject.nullish(),
  since: since.nullish(),
})
export type JoinPayload = z.output<typeof joinSchema>

export const leaveSchema = z.object(channelRef)

export const sendSchema = z.object({
  ...channelRef,
  serverId: optionalId,
  messageServerId: optionalId,
  senderId: optionalId,
  senderName: optionalName,
  message: z.string('message must be a string.').nullish(),
  messageId: clientMessageId,
  source: z.string().max(LIMITS.maxWordLength).nullish(),
  metadata: jsonObject.nullish(),
  attachments: jsonList
    .refine((list) => list.length <= LIMITS.maxAttachments, {
      message: `at most ${LIMITS.maxAttachments} attachments`,
    })
    .nullish(),
  targetUserId: optionalId,
})
export type SendPayload = z.output<typeof sendSchema>

export const typingSchema = z.object({ ...channelRef, entityId: optionalId })

export const genericSchema = z.object({
  type: z.union([z.string(), z.number()]),
  payload: z.unknown(),
})

export const logFilterSchema = z.object({
  agentName: z.string().max(LIMITS.maxNameLength).nullish(),
  level: z
    .enum(['all', ...LOG_LEVEL_NAMES], `level must be all, ${LOG_LEVEL_NAMES.join(', ')}`)
    .nullish(),
})

/** What is wrong with a payload, by field, in one line. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map((issue) =>
      issue.path.length > 0 ? `${issue.path.join('.')}: ${issue.message}` : issue.message,
    )
    .join('; ')
}
