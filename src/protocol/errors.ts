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
  AGENT_NOT_FOUND: { status: 404, message: 'Agent not found', retryable: false },
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
  WRITER_UNAVAILABLE: {
    status: 503,
    message:
      'The log did not answer in time. The change may or may not be stored; repeat it with the same messageId.',
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

/**
 * An expected refusal. Its message is meant for the client; anything else that is thrown is a bug
 * and reaches the client as `INTERNAL` only.
 */
export class ChannelError extends Error {
  override readonly name = 'ChannelError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string = ERRORS[code].message, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable
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
