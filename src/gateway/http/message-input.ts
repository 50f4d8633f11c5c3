import { z } from '@hono/zod-openapi'
import { LIMITS } from '../../protocol/limits.ts'
import { isJsonObject } from '../../util/json.ts'
import type { Json, JsonObject } from '../../util/json.ts'
import { InvalidRequest } from './errors.ts'
import { anyJson, attachmentList, EXAMPLE, id, metadataObject, serverFields } from './schemas.ts'

/** What every route that takes a message understands. */
export const messageFields = {
  author_id: id(
    'Who wrote it. With a token it may be left out, and a user can name nobody else.',
    EXAMPLE.user,
  ),
  content: z
    .string()
    .default('')
    .openapi({ description: 'The text; may be empty beside attachments.', example: 'Hello' }),
  ...serverFields,
  raw_message: anyJson(
    'The message as its source has it; `thought` and `actions` are read from it.',
  ).nullish(),
  metadata: metadataObject(
    'Free form. `attachments`, which do not count in its size, `user_display_name` and `agentName` are understood.',
  ).nullish(),
  attachments: attachmentList('Attachments; `metadata.attachments` does the same.').nullish(),
} as const

interface Parts {
  readonly metadata?: JsonObject | null | undefined
  readonly raw_message?: Json | undefined
  readonly attachments?: readonly Json[] | null | undefined
}

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

function listIn(value: Json | undefined): readonly Json[] | undefined {
  if (!isJsonObject(value) || !isList(value.attachments)) return undefined
  if (value.attachments.length <= LIMITS.maxAttachments) return value.attachments
  throw new InvalidRequest('Too many attachments', `at most ${LIMITS.maxAttachments}`)
}

/** The attachments, wherever they came, and the metadata without them: they are stored once. */
export function splitAttachments(parts: Parts): {
  readonly metadata: JsonObject | undefined
  readonly attachments: readonly Json[] | undefined
} {
  const { metadata } = parts
  const inMetadata = listIn(metadata ?? undefined)
  const attachments = parts.attachments ?? inMetadata ?? listIn(parts.raw_message)
  if (!metadata || inMetadata === undefined) return { metadata: metadata ?? undefined, attachments }
  const { attachments: _moved, ...rest } = metadata
  return { metadata: rest, attachments }
}

/** True for a message that says something. */
export function hasContent(parts: Parts & { readonly content: string }): boolean {
  if (parts.content !== '') return true
  return (splitAttachments(parts).attachments ?? []).length > 0
}

/** A display name that came in metadata. */
export function nameIn(
  metadata: JsonObject | null | undefined,
  key: 'user_display_name' | 'agentName',
): string | undefined {
  const value = metadata?.[key]
  if (typeof value !== 'string' || value === '') return undefined
  return value.slice(0, LIMITS.maxNameLength)
}
