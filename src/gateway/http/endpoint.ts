import { z } from '@hono/zod-openapi'
import type { ErrorCode } from '../../protocol/errors.ts'
import { describeIssues } from '../../protocol/schemas.ts'
import { InvalidRequest } from './errors.ts'
import type { Reply } from './reply.ts'

type Method = 'get' | 'post' | 'patch' | 'delete'

/** What is wrong with a part of a request. */
interface Fault {
  /** The field that is wrong first. */
  readonly field: string
  /** True when something required is absent or empty; otherwise what is there is wrong. */
  readonly isMissing: boolean
  /** The wrong fields, and what is wrong with them. */
  readonly details: string
}

/** What the client reads about a refused part. */
type Words = string | ((fault: Fault) => string)

/** elizaOS's sentence about what must be there when something is not; else what is wrong with what is. */
export function whenMissing(sentence: string): Words {
  return ({ isMissing, details }) => (isMissing ? sentence : details)
}

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
    /** Where a redirect leads. */
    readonly location?: string
  }
  /** Another answer of the same shape, with another status. */
  readonly otherwise?: {
    readonly status: number
    readonly description: string
    readonly example: unknown
  }
  /** What it refuses with, beside what every route may answer. */
  readonly errors?: readonly ErrorCode[]
  /** Answers without a key: health and documentation. */
  readonly isPublic?: boolean
  /** Answers under any name and from anywhere, also in open mode. */
  readonly isProbe?: boolean
  /** Answers from what it has in memory: no fault inside the server reaches it. */
  readonly isInfallible?: boolean
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

const byField: Words = ({ field }) => `Invalid ${field}`
const byDetails: Words = ({ details }) => details

const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === ''

const isOptional = (schema: z.ZodType, field: PropertyKey): boolean =>
  schema instanceof z.ZodObject && z.safeParse(schema.shape[String(field)], undefined).success

interface Refused {
  readonly schema: z.ZodType
  readonly value: unknown
  readonly error: z.ZodError
}

/** True when one of the issues is a required field that is not there, or a rule about the object as a whole. */
function lacksSomething({ schema, value, error }: Refused): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const fields: ReadonlyMap<PropertyKey, unknown> = new Map(Object.entries(value))
  return error.issues.some(({ path: [field, ...inside] }) => {
    if (field === undefined) return true
    return inside.length === 0 && isEmpty(fields.get(field)) && !isOptional(schema, field)
  })
}

/** Wrong fields that an answer names: a list may hold a thousand of them. */
const MAX_NAMED_ISSUES = 5

function detailsOf({ issues }: z.ZodError): string {
  const named = describeIssues(new z.ZodError(issues.slice(0, MAX_NAMED_ISSUES)))
  const others = issues.length - MAX_NAMED_ISSUES
  return others > 0 ? `${named}; and ${others} more` : named
}

function faultOf(refused: Refused): Fault {
  const { error } = refused
  return {
    field: String(error.issues[0]?.path[0] ?? ''),
    isMissing: lacksSomething(refused),
    details: detailsOf(error),
  }
}

/** The part as its schema reads it; a part without schema is not looked at. */
function check<S extends z.ZodType>(
  schema: S | undefined,
  value: unknown,
  words: Words,
): z.output<S>
function check(schema: z.ZodType | undefined, value: unknown, words: Words): unknown {
  if (schema === undefined) return undefined
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const fault = faultOf({ schema, value, error: result.error })
  throw new InvalidRequest(typeof words === 'string' ? words : words(fault), fault.details)
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
        params: check(params, request.params, invalid.params ?? byField),
        query: check(query, request.query, invalid.query ?? byField),
        body: check(body, body && (await request.readBody()), invalid.body ?? byDetails),
      }),
  }
}
