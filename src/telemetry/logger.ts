import { pino } from 'pino'
import type { DestinationStream, Level, Logger as PinoLogger } from 'pino'

/** Object first, fixed message second: `log.info({ channelId }, 'channel created')`. */
export type Logger = PinoLogger

export interface LoggerOptions {
  readonly level: Level | 'silent'
  /** `primary`, `writer`, `gateway` or `agent-host`; stands in every line. */
  readonly role: string
  /** Where lines go; standard output by default. */
  readonly destination?: DestinationStream
}

/** Field names whose values never reach a line, at the top of a logged object or one level below. */
const SECRET_FIELDS = [
  'apiKey',
  'authorization',
  'cookie',
  'jwtSecret',
  'password',
  'secret',
  'token',
  'x-api-key',
]

const REDACT = {
  paths: SECRET_FIELDS.flatMap((field) => [`["${field}"]`, `*["${field}"]`]),
  censor: '[redacted]',
}

const UNREADABLE = { type: 'unreadable', message: 'what was thrown cannot be read' }

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    // A getter or a proxy; and what is frozen, where that is to be changed.
    return undefined
  }
}

/**
 * What a line has of an error. Workers throw anything, also what is frozen, which the library's own
 * serializer cannot take, or throws when it is read: to log that must not be what ends the process.
 */
function readableError(thrown: unknown): unknown {
  if (typeof thrown !== 'object' || thrown === null) return thrown
  const isError = attempt(() => thrown instanceof Error)
  if (isError === undefined) return UNREADABLE
  if (!isError || !(thrown instanceof Error)) {
    return attempt(() => JSON.stringify(thrown)) === undefined ? UNREADABLE : thrown
  }
  const plain = () => ({ type: thrown.name, message: thrown.message, stack: thrown.stack })
  return attempt(() => pino.stdSerializers.err(thrown)) ?? attempt(plain) ?? UNREADABLE
}

/** The process's logger: one JSON line per entry, with pid and role, times in epoch ms, without secrets. */
export function createLogger(options: LoggerOptions): Logger {
  const base = { pid: process.pid, role: options.role }
  return pino(
    { level: options.level, base, redact: REDACT, serializers: { err: readableError } },
    options.destination ?? pino.destination(1),
  )
}
