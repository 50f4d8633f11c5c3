import { z } from 'zod'
import { isId, ID_RULE } from '../../protocol/ids.ts'
import { LIMITS } from '../../protocol/limits.ts'
import { describeIssues } from '../../protocol/schemas.ts'
import { canonicalId } from '../../util/ids.ts'
import { isJsonObject, isPlainJson } from '../../util/json.ts'
import type { Json, JsonObject } from '../../util/json.ts'

/** Names of actions in one message. */
const MAX_ACTIONS = 100

const isPlain = (value: unknown): value is Json => isPlainJson(value, LIMITS.maxJsonDepth)

const PLAIN = `must be plain JSON, nested at most ${LIMITS.maxJsonDepth} levels`

const contentSchema = z.strictObject(
  {
    text: z.string('must be a string').optional(),
    thought: z.string('must be a string').optional(),
    actions: z
      .array(z.string('must be a string'), 'must be a list of strings')
      .max(MAX_ACTIONS, `at most ${MAX_ACTIONS}`)
      .optional(),
    attachments: z
      .custom<readonly Json[]>(
        (value) => Array.isArray(value) && isPlain(value),
        `must be a list; ${PLAIN}`,
      )
      .refine((list) => list.length <= LIMITS.maxAttachments, `at most ${LIMITS.maxAttachments}`)
      .optional(),
    metadata: z
      .custom<JsonObject>(
        (value) => isPlain(value) && isJsonObject(value),
        `must be an object; ${PLAIN}`,
      )
      .optional(),
  },
  {
    error: ({ code }) =>
      code === 'invalid_type' ? 'must be a text, or an object with a text' : undefined,
  },
)

export type Content = z.output<typeof contentSchema> & { readonly text: string }

const historySchema = z.strictObject({
  limit: z.number('must be a number').int('must be whole').min(1, 'must be at least 1').optional(),
  before: z.number('must be a seq').int('must be whole').min(1, 'must be at least 1').optional(),
})

function parse<Value>(act: string, schema: z.ZodType<Value>, value: unknown): Value {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new TypeError(`${act}: ${describeIssues(result.error)}`)
}

/** What an agent wants to say. @throws TypeError that names the act and what is wrong with it. */
export function readContent(act: string, value: unknown): Content {
  const content = readRest(act, value ?? null)
  const { text, attachments = [] } = content
  if (text === '' && attachments.length === 0) {
    throw new TypeError(`${act}: says nothing: there is no text and no attachment`)
  }
  return content
}

/** What an agent has to say beyond what it said already: perhaps nothing. @throws TypeError likewise. */
export function readRest(act: string, value: unknown = {}): Content {
  const content = parse(act, contentSchema, typeof value === 'string' ? { text: value } : value)
  return { ...content, text: content.text ?? '' }
}

/** @throws TypeError likewise. */
export function readChannelId(act: string, value: unknown): string {
  if (isId(value)) return canonicalId(value)
  throw new TypeError(`${act}: channelId: ${ID_RULE}`)
}

/** @throws TypeError likewise. */
export function readMessageId(act: string, value: unknown): string {
  if (isId(value)) return canonicalId(value)
  throw new TypeError(`${act}: messageId: ${ID_RULE}`)
}

/** @throws TypeError likewise. */
export function readHistoryQuery(value: unknown): z.output<typeof historySchema> {
  return parse('history', historySchema, value)
}
