import type { z } from 'zod'
import { ChannelError } from '../../../protocol/errors.ts'
import { describeIssues } from '../../../protocol/schemas.ts'

/** The channel that a payload names: `channelId` wins over `roomId`. @throws INVALID_PAYLOAD with `missing`. */
export function channelOf(
  payload: { readonly channelId?: string | undefined; readonly roomId?: string | undefined },
  missing: string,
): string {
  const channelId = payload.channelId ?? payload.roomId
  if (channelId === undefined) throw new ChannelError('INVALID_PAYLOAD', missing)
  return channelId
}

/**
 * Reads a payload. One that is no object at all is refused like one that lacks everything.
 *
 * @throws INVALID_PAYLOAD with `missing`, or with what is wrong with each field.
 */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  payload: unknown,
  missing: string,
): z.output<Schema> {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new ChannelError('INVALID_PAYLOAD', missing)
  }
  const result = schema.safeParse(payload)
  if (!result.success) throw new ChannelError('INVALID_PAYLOAD', describeIssues(result.error))
  return result.data
}
