import { z } from '@hono/zod-openapi'
import type { Guard } from '../../log/log.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import { describeIssues } from '../../protocol/schemas.ts'
import { speakerOf } from '../../service/access.ts'
import type { Access } from '../../service/access.ts'
import type { Caller } from '../../service/caller.ts'
import { admit, admitBody, admitRead, requireCaller } from './access-rule.ts'
import type { AccessRule } from './access-rule.ts'
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
  /** What it refuses with, beside what every route, and every route with such a rule, may answer. */
  readonly errors?: readonly ErrorCode[]
  /** Who may use it. There is no default: whoever adds a route decides. */
  readonly access: AccessRule
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
  /** The body's field that says who writes: may be left out by whoever has a token, and is held to it. */
  readonly author?: string
  readonly invalid?: { readonly params?: Words; readonly query?: Words; readonly body?: Words }
  readonly handle: (input: {
    readonly params: z.output<P>
    readonly query: z.output<Q>
    readonly body: z.output<B>
    /** Who asks; the rule of the route lets it. Of a public route: nobody, who may do nothing. */
    readonly caller: Caller
    /** What commands about the rule's channel or message are to require. */
    readonly guard: Guard
  }) => Reply | Promise<Reply>
}

/** A request before validation. */
interface RawRequest {
  /** Undefined where nobody was asked, which only public routes may do. */
  readonly caller: Caller | undefined
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
  readonly run: (request: RawRequest, access: Access) => Promise<Reply>
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

/** How a refused part is answered. */
interface Refusal {
  readonly words: Words
  readonly isOfPath?: boolean
}

/** The part as its schema reads it; a part without schema is not looked at. */
function check<S extends z.ZodType>(
  schema: S | undefined,
  value: unknown,
  refusal: Refusal,
): z.output<S>
function check(schema: z.ZodType | undefined, value: unknown, refusal: Refusal): unknown {
  if (schema === undefined) return undefined
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const fault = faultOf({ schema, value, error: result.error })
  const { words, isOfPath = false } = refusal
  const message = typeof words === 'string' ? words : words(fault)
  throw new InvalidRequest(message, fault.details, isOfPath)
}

/** Who asks a public route: what it shows is for everybody, so it has no use for more. */
const NOBODY: Caller = { role: 'user', entityId: undefined, grants: [], expiresAtMs: undefined }

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The body with its author, where that was left out and the caller is known. */
function signed(author: string | undefined, { entityId }: Caller, body: unknown): unknown {
  if (author === undefined || entityId === undefined || !isObject(body)) return body
  return isEmpty(body[author]) ? { ...body, [author]: entityId } : body
}

/** @throws ACCESS_DENIED when a user writes as somebody else. */
function requireAuthor(author: string | undefined, caller: Caller, body: unknown): void {
  if (author === undefined) return
  const named = isObject(body) ? body[author] : undefined
  speakerOf(caller, typeof named === 'string' ? named : undefined)
}

/**
 * Describes a route once: the router, the validation and `/openapi.json` all read this.
 *
 * Validation is one pass per part without middleware in between, because posting a message is the
 * hot path; and the words of a refusal are the route's own, because elizaOS's differ by route. The
 * route's rule is asked as soon as its path is read: what is wrong with the rest of a request tells nothing
 * about a channel that the caller may not see.
 */
export function endpoint<
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodUnknown,
>(spec: EndpointSpec<P, Q, B>): Endpoint {
  const { params, query, body, author, invalid = {}, handle, ...doc } = spec
  const rule = spec.access
  return {
    ...doc,
    schemas: { params, query, body },
    run: async (request, access) => {
      const caller = rule === 'public' ? NOBODY : requireCaller(request.caller)
      const ofPath = { words: invalid.params ?? byField, isOfPath: true }
      const named = check(params, request.params, ofPath)
      const asking = { caller, params: named ?? {}, access }
      const early = await admit(rule, asking)
      const asked = check(query, request.query, { words: invalid.query ?? byField })
      const raw = body && signed(author, caller, await request.readBody())
      const sent = check(body, raw, { words: invalid.body ?? byDetails })
      const guard = (await admitBody(rule, { caller, body: sent, access })) ?? early
      requireAuthor(author, caller, sent)
      const reply = await handle({ params: named, query: asked, body: sent, caller, guard })
      if (spec.method === 'get') await admitRead(rule, asking)
      return reply
    },
  }
}
