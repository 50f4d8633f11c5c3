import { ChannelError } from '../../protocol/errors.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import { RateLimited } from '../limits/rate-limited.ts'
import type { Reply } from './reply.ts'

/** A request that its endpoint's schema refuses: elizaOS's words, and which fields were wrong. */
export class InvalidRequest extends ChannelError {
  readonly details: string
  /** Whether it is the path that is wrong. */
  readonly isOfPath: boolean

  constructor(message: string, details: string, isOfPath = false) {
    super('INVALID_PAYLOAD', message)
    this.details = details
    this.isOfPath = isOfPath
  }
}

/** A body that is refused before its end. The rest of it is no request, so the connection cannot go on. */
export class BodyTooLarge extends ChannelError {
  constructor() {
    super('PAYLOAD_TOO_LARGE')
  }
}

/** elizaOS has one envelope per family of routes, and clients read them so. */
type Family = 'messaging' | 'agents' | 'system'

export function familyOf(path: string): Family {
  if (path.startsWith('/api/messaging')) return 'messaging'
  if (path.startsWith('/api/agents')) return 'agents'
  return 'system'
}

/** elizaOS's word for it in the agents family. */
function agentCode(error: ChannelError): string {
  if (error instanceof InvalidRequest && error.isOfPath) return 'INVALID_ID'
  return error.code === 'AGENT_NOT_FOUND' ? 'NOT_FOUND' : error.code
}

/** Seconds that a client waits before it repeats what may be repeated, where nobody knows better. */
const RETRY_AFTER_SECONDS = 1

/** When to repeat what may be repeated; of a rate also what it is, in the words of the IETF's draft 6. */
function retryHeaders(error: ChannelError): Readonly<Record<string, string>> {
  const seconds = error.retryAfterSeconds ?? RETRY_AFTER_SECONDS
  const retryAfter = { 'Retry-After': String(seconds) }
  if (!(error instanceof RateLimited)) return retryAfter
  return {
    ...retryAfter,
    'RateLimit-Limit': String(error.perSecond),
    'RateLimit-Remaining': '0',
    'RateLimit-Reset': String(seconds),
    'RateLimit-Policy': `${error.perSecond};w=1`,
  }
}

/** RFC 6750 §3: what a client reads that holds a token and is refused for it. */
const TOKEN_REFUSALS: ReadonlySet<ErrorCode> = new Set(['TOKEN_INVALID', 'TOKEN_EXPIRED'])
const TOKEN_CHALLENGE = { 'WWW-Authenticate': 'Bearer error="invalid_token"' }

function envelope(error: ChannelError, family: Family): unknown {
  const { code, message, status } = error
  // These come from elizaOS's middleware, not from its routes, and look the same everywhere.
  if (code === 'UNAUTHENTICATED') {
    return { error: 'API key required', message: 'Missing or invalid X-API-KEY header' }
  }
  if (code === 'ROUTE_NOT_FOUND') return { success: false, error: { message, code: status } }
  if (code === 'INVALID_CONTENT_TYPE') return { success: false, error: { code, message } }
  const details = error instanceof InvalidRequest ? { details: error.details } : {}
  switch (family) {
    case 'messaging':
      return { success: false, error: message, code, ...details }
    case 'agents':
      return { success: false, error: { code: agentCode(error), message, ...details } }
    case 'system':
      return { success: false, error: { message, code: status, ...details } }
  }
}

/** The answer to a refusal, as the family of the path writes it. */
export function errorReply(error: ChannelError, path: string): Reply {
  const reply = { status: error.status, json: envelope(error, familyOf(path)) }
  if (error instanceof BodyTooLarge) return { ...reply, headers: { Connection: 'close' } }
  if (TOKEN_REFUSALS.has(error.code)) return { ...reply, headers: TOKEN_CHALLENGE }
  return error.retryable ? { ...reply, headers: retryHeaders(error) } : reply
}
