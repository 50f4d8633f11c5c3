import { z } from 'zod'
import { canonicalId } from '../util/ids.ts'
import { LIMITS } from './limits.ts'

/**
 * What an id looks like. Dots alone are none: URLs take `.` and `..` for steps between folders, escaped
 * or not, so what is called so could be made, but never be read or deleted over HTTP.
 */
export const ID_PATTERN = new RegExp(`^(?!\\.+$)[A-Za-z0-9._:@-]{1,${LIMITS.maxIdLength}}$`)

export const ID_RULE = `must be 1–${LIMITS.maxIdLength} characters of A-Z a-z 0-9 . _ : @ - and not only dots`

/** True for 1–128 characters of `A-Z a-z 0-9 . _ : @ -` that are not all dots. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value)
}

/** Any id that comes in, in its one spelling (`canonicalId`): UUIDs compare case-insensitively. */
export const idSchema = z.string().regex(ID_PATTERN, ID_RULE).transform(canonicalId)
