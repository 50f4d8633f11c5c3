import { z } from '@hono/zod-openapi'
import type { MessageQuery } from '../../log/log.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { compact } from '../../util/compact.ts'
import { EXAMPLE } from './schemas.ts'

const DIGITS = /^\d{1,15}$/
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?$/
/** What `String(date)` writes: the official client puts dates into queries so. */
const DATE_STRING = /^[A-Z][a-z]{2} [A-Z][a-z]{2} \d{2} \d{4} [\d:]{8} GMT[+-]\d{4}/

function epochMs(value: string): number {
  if (DIGITS.test(value)) return Number(value)
  return ISO_TIME.test(value) || DATE_STRING.test(value) ? Date.parse(value) : Number.NaN
}

const time = (description: string) =>
  z
    .string()
    .transform(epochMs)
    .refine((ms) => Number.isFinite(ms), 'must be epoch milliseconds or an ISO time')
    .optional()
    .openapi({ type: 'string', description, example: EXAMPLE.time })

/** A whole number of a query. */
export const whole = (description: string) =>
  z
    .string()
    .regex(DIGITS, 'must be a whole number of 0 or more')
    .transform(Number)
    .optional()
    .openapi({ type: 'integer', description })

/** Where a page of messages lies. All bounds are exclusive and may be combined. */
export const pageQuery = z.object({
  limit: whole(
    `Rows, newest first; ${LIMITS.defaultPageRows} when absent, at most ${LIMITS.maxPageRows} or what the server is set to.`,
  ),
  before: time('Only messages created before this time: epoch ms or ISO.'),
  after: time('Only messages created after this time: epoch ms or ISO.'),
  beforeSeq: whole('Only messages with a smaller `seq`. Exact where times tie.'),
  afterSeq: whole('Only messages with a larger `seq`.'),
})

/** The page that a query asks for. */
export function messageQuery(channelId: string, query: z.output<typeof pageQuery>): MessageQuery {
  return compact({
    channelId,
    limit: Math.min(query.limit ?? LIMITS.defaultPageRows, LIMITS.maxPageRows),
    beforeMs: query.before,
    afterMs: query.after,
    beforeSeq: query.beforeSeq,
    afterSeq: query.afterSeq,
  })
}
