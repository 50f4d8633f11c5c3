import { z } from '@hono/zod-openapi'
import { ID_PATTERN, idSchema } from '../../protocol/ids.ts'
import { DEFAULT_SERVER_ID, LIMITS } from '../../protocol/limits.ts'
import { isJsonObject, isPlainJson } from '../../util/json.ts'
import type { Json, JsonObject } from '../../util/json.ts'

/** An id field. Cloned, because the shared schema is made before the OpenAPI extension is there. */
export const id = (description: string, example: string = EXAMPLE.channel) =>
  idSchema.clone().openapi({ type: 'string', pattern: ID_PATTERN.source, description, example })

/** The ids that the API page's examples use throughout. */
export const EXAMPLE = {
  server: DEFAULT_SERVER_ID,
  channel: '550e8400-e29b-41d4-a716-446655440000',
  agent: '550e8400-e29b-41d4-a716-446655440001',
  user: '550e8400-e29b-41d4-a716-446655440002',
  message: '0190c3a8-5b1e-7c3d-9a41-2f0e6d1c7b55',
  /** 2026-01-02T03:04:05.678Z */
  timeMs: 1_767_323_045_678,
  time: '2026-01-02T03:04:05.678Z',
} as const

const NESTING = `nested at most ${LIMITS.maxJsonDepth} levels`

const METADATA_SIZE = `At most ${LIMITS.maxMetadataBytes} bytes of JSON, or what the server is set to.`

const ATTACHMENT_SIZE = `At most ${LIMITS.maxAttachmentBytes} bytes of JSON, or what the server is set to.`

/** Metadata: a JSON object of bounded depth. How many bytes it takes is for `service/sizes.ts`. */
export const metadataObject = (description: string) =>
  z
    .custom<JsonObject>(
      (value) => isPlainJson(value, LIMITS.maxJsonDepth) && isJsonObject(value),
      `must be a JSON object, ${NESTING}`,
    )
    .openapi({
      type: 'object',
      additionalProperties: true,
      description: `${description} ${METADATA_SIZE}`,
    })

/** Any JSON of bounded depth. */
export const anyJson = (description: string) =>
  z
    .custom<Json>((value) => isPlainJson(value, LIMITS.maxJsonDepth), `must be JSON, ${NESTING}`)
    .openapi({
      type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
      description: `${description} ${ATTACHMENT_SIZE}`,
    })

export const attachmentList = (description: string) =>
  z
    .custom<readonly Json[]>(
      (value) =>
        Array.isArray(value) &&
        value.length <= LIMITS.maxAttachments &&
        isPlainJson(value, LIMITS.maxJsonDepth),
      `must be a list of at most ${LIMITS.maxAttachments} attachments, ${NESTING}`,
    )
    .openapi({
      type: 'array',
      items: { type: 'object', additionalProperties: true },
      maxItems: LIMITS.maxAttachments,
      description: `${description} ${ATTACHMENT_SIZE}`,
    })

/** A name that people read. */
export const name = (description: string, example: string) =>
  z.string().min(1).max(LIMITS.maxNameLength).openapi({ description, example })

/** A free word such as a source. */
export const word = (description: string, example: string) =>
  z.string().min(1).max(LIMITS.maxWordLength).openapi({ description, example })

const serverField = id(
  'Message server, the default one when absent; each of its four names will do.',
  EXAMPLE.server,
).nullish()

/** The message server under each of its spellings; read it with `serverOf`. */
export const serverFields = {
  message_server_id: serverField,
  server_id: serverField,
  messageServerId: serverField,
  serverId: serverField,
} as const

interface ServerFields {
  readonly message_server_id?: string | null | undefined
  readonly server_id?: string | null | undefined
  readonly messageServerId?: string | null | undefined
  readonly serverId?: string | null | undefined
}

/** The server that was named, in whichever spelling. */
export function namedServer(fields: ServerFields): string | undefined {
  return (
    fields.message_server_id ??
    fields.server_id ??
    fields.messageServerId ??
    fields.serverId ??
    undefined
  )
}

/** What lists of channels and of servers say about their length. */
export const LIST_BOUNDS = 'Past 10,000 rows or 8 MiB the oldest are left out.'

export const channelParams = z.object({ channelId: id('Channel.') })

/** elizaOS's success envelope around a payload. */
export const envelope = <S extends z.ZodType>(data: S) =>
  z.object({ success: z.literal(true), data })
