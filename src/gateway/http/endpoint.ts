import type { z } from '@hono/zod-openapi'
import type { ErrorCode } from '../../protocol/errors.ts'
import { describeIssues } from '../../protocol/schemas.ts'
import { InvalidRequest } from './errors.ts'
import type { Reply } from './reply.ts'

type Method = 'get' | 'post' | 'patch' | 'delete'

/** elizaOS's words for a request that is refused, by the field that is wrong first. */
type Words = string | ((field: string) => string)

/** What the API page says about an endpoint. */
interface EndpointDoc {
  readonly method: Method
  /** OpenAPI style: `/api/messaging/channels/{channelId}`. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly success: {
    readonly status: number
    readonly description: string
    readonly schema?: z.ZodType
    readonly example?: unknown
    /** `application/json` when absent. */
    readonly contentType?: string
  }
  /** What it refuses with, beside what every route may answer. */
  readonly errors?: readonly ErrorCode[]
  /** Answers without a key: health and documentation. */
  readonly isPublic?: boolean
  /** Kept for old clients. */
  readonly isDeprecated?: boolean
  readonly bodyExample?: unknown
}

interface EndpointSpec<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType,
> extends EndpointDoc {
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  readonly invalid?: { readonly params?: Words; readonly query?: Words; readonly body?: Words }
  readonly handle: (input: {
    readonly params: z.output<P>
    readonly query: z.output<Q>
    readonly body: z.output<B>
  }) => Reply | Promise<Reply>
}

/** A request before validation. */
interface RawRequest {
  readonly params: unknown
  readonly query: unknown
  /** Reads the body; called by endpoints that have one, once. */
  readonly readBody: () => Promise<unknown>
}

/** One route: what it promises, how its input is checked, and what it does. */
export interface Endpoint extends EndpointDoc {
  readonly schemas: {
    readonly params?: z.ZodObject | undefined
    readonly query?: z.ZodObject | undefined
    readonly body?: z.ZodType | undefined
  }
  readonly run: (request: RawRequest) => Promise<Reply>
}

const byField = (field: string): string => `Invalid ${field}`

/** The part as its schema reads it; a part without schema is not looked at. */
function check<S extends z.ZodType>(
  schema: S | undefined,
  value: unknown,
  words?: Words,
): z.output<S>
function check(schema: z.ZodType | undefined, value: unknown, words: Words = byField): unknown {
  if (schema === undefined) return undefined
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const field = String(result.error.issues[0]?.path[0] ?? '')
  const text = typeof words === 'string' ? words : words(field)
  throw new InvalidRequest(text, describeIssues(result.error))
}

/**
 * Describes a route once: the router, the validation and `/openapi.json` all read this.
 *
 * Validation is one pass per part without middleware in between, because posting a message is the
 * hot path; and the words of a refusal are the route's own, because elizaOS's differ by route.
 */
export function endpoint<
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodUnknown,
>(spec: EndpointSpec<P, Q, B>): Endpoint {
  const { params, query, body, invalid = {}, handle, ...doc } = spec
  return {
    ...doc,
    schemas: { params, query, body },
    run: async (request) =>
      handle({
        params: check(params, request.params, invalid.params),
        query: check(query, request.query, invalid.query),
        body: check(body, body && (await request.readBody()), invalid.body),
      }),
  }
}
