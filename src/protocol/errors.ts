/** Everything that can be refused: HTTP status, default message, and whether trying again may help. */
export const ERRORS = {
  INVALID_JSON: { status: 400, message: 'The request body is not valid JSON.', retryable: false },
  INVALID_PAYLOAD: { status: 400, message: 'The request is malformed.', retryable: false },
  INVALID_CONTENT_TYPE: {
    status: 400,
    message: 'Invalid or missing Content-Type header',
    retryable: false,
  },
  MESSAGE_TYPE_UNKNOWN: { status: 400, message: 'Unknown message type.', retryable: false },
  UNAUTHENTICATED: { status: 401, message: 'Invalid or missing API Key', retryable: false },
  TOKEN_INVALID: { status: 401, message: 'Invalid JWT token', retryable: false },
  TOKEN_EXPIRED: {
    status: 401,
    message: 'The token has expired; get a new one.',
    retryable: false,
  },
  ACCESS_DENIED: { status: 403, message: 'Access denied', retryable: false },
  ORIGIN_FORBIDDEN: { status: 403, message: 'Forbidden', retryable: false },
  CHANNEL_NOT_FOUND: { status: 404, message: 'Channel not found', retryable: false },
  MESSAGE_NOT_FOUND: { status: 404, message: 'Message not found', retryable: false },
  SERVER_NOT_FOUND: { status: 404, message: 'Message server not found', retryable: false },
  PARTICIPANT_NOT_FOUND: {
    status: 404,
    message: 'Agent is not a participant in this channel',
    retryable: false,
  },
  STREAM_NOT_FOUND: {
    status: 404,
    message: 'No agent is on this message, and no stream was.',
    retryable: false,
  },
  FAILURE_NOT_FOUND: {
    status: 404,
    message: 'The agent has no such failure.',
    retryable: false,
  },
  AGENT_NOT_FOUND: { status: 404, message: 'Agent not found', retryable: false },
  AGENT_EXISTS: {
    status: 409,
    message: 'An agent with this id exists already; without one, the id comes from the name.',
    retryable: false,
  },
  AGENT_PROTECTED: {
    status: 409,
    message: 'The agent is defined elsewhere.',
    retryable: false,
  },
  TOO_MANY_AGENTS: {
    status: 409,
    message: 'There are as many agents as there may be; delete one first.',
    retryable: false,
  },
  WORKER_NOT_FOUND: {
    status: 404,
    message: 'No worker of this name answers requests.',
    retryable: false,
  },
  ROUTE_NOT_FOUND: { status: 404, message: 'API endpoint not found', retryable: false },
  CHANNEL_EXISTS: {
    status: 409,
    message: 'A channel with this id exists already.',
    retryable: false,
  },
  MESSAGE_ID_TAKEN: {
    status: 409,
    message: 'This messageId belongs to another message.',
    retryable: false,
  },
  SERVER_PROTECTED: {
    status: 409,
    message: 'The default message server cannot be deleted.',
    retryable: false,
  },
  SERVER_TOO_LARGE: {
    status: 409,
    message: 'The message server has too many channels to delete at once; delete channels first.',
    retryable: false,
  },
  PAYLOAD_TOO_LARGE: { status: 413, message: 'request entity too large', retryable: false },
  TOO_MANY_PARTICIPANTS: {
    status: 409,
    message: 'The channel has as many participants as it may.',
    retryable: false,
  },
  URL_TOO_LONG: { status: 414, message: 'The path and query are too long.', retryable: false },
  RATE_LIMITED: {
    status: 429,
    message: 'Too many requests; try again after a while.',
    retryable: true,
  },
  TOO_MANY_CONNECTIONS: {
    status: 429,
    message: 'As many connections are open as there may be; close one first.',
    retryable: true,
  },
  TOO_MANY_SUBSCRIBERS: {
    status: 429,
    message: 'As many clients watch the log as may; try again later.',
    retryable: true,
  },
  TOO_MANY_CHANNELS: {
    status: 429,
    message: 'This connection has joined as many channels as it may; leave one first.',
    retryable: false,
  },
  OVERLOADED: {
    status: 503,
    message: 'The server has as much waiting as it may; try again shortly.',
    retryable: true,
  },
  AUTH_UNAVAILABLE: {
    status: 503,
    message:
      'The keys that tokens are verified with cannot be had at the moment; try again shortly.',
    retryable: true,
  },
  WRITER_UNAVAILABLE: {
    status: 503,
    message:
      'The log did not answer in time. The change may or may not be stored; repeat it with the same messageId.',
    retryable: true,
  },
  WORKER_FAILED: { status: 500, message: 'The worker failed.', retryable: false },
  WORKER_LOST: {
    status: 502,
    message: 'The process that ran the worker ended before it answered.',
    retryable: true,
  },
  WORKER_UNAVAILABLE: {
    status: 503,
    message: 'No process that runs workers serves at the moment; try again shortly.',
    retryable: true,
  },
  WORKER_TIMEOUT: {
    status: 504,
    message: 'The worker did not begin to answer in time.',
    retryable: true,
  },
  STORAGE_FULL: {
    status: 507,
    message: "The server's disk is full. Nothing was stored; try again later.",
    retryable: true,
  },
  INTERNAL: { status: 500, message: 'Internal server error', retryable: true },
} as const satisfies Record<string, { status: number; message: string; retryable: boolean }>

export type ErrorCode = keyof typeof ERRORS

export interface ChannelErrorOptions extends ErrorOptions {
  /** Milliseconds after which the same may be tried again, where that is known. */
  readonly retryAfterMs?: number
}

const MS_PER_SECOND = 1_000

/**
 * An expected refusal. Its message is meant for the client; anything else that is thrown is a bug
 * and reaches the client as `INTERNAL` only.
 */
export class ChannelError extends Error {
  override readonly name = 'ChannelError'
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined

  constructor(
    code: ErrorCode,
    message: string = ERRORS[code].message,
    options: ChannelErrorOptions = {},
  ) {
    super(message, options)
    this.code = code
    this.retryAfterMs = options.retryAfterMs
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable
  }

  /** `retryAfterMs` as clients are told it: whole seconds, one at least, and never too early. */
  get retryAfterSeconds(): number | undefined {
    if (this.retryAfterMs === undefined) return undefined
    return Math.max(1, Math.ceil(this.retryAfterMs / MS_PER_SECOND))
  }
}

/** The one funnel for the unknown: a `ChannelError` stays, everything else becomes `INTERNAL` with its cause. */
export function toChannelError(error: unknown): ChannelError {
  if (error instanceof ChannelError) return error
  return new ChannelError('INTERNAL', ERRORS.INTERNAL.message, { cause: error })
}

/** True for a code of this table, for errors that arrive from another process. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
}
