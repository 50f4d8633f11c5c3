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

/** The process's logger: one JSON line per entry, with pid and role, times in epoch ms, without secrets. */
export function createLogger(options: LoggerOptions): Logger {
  const base = { pid: process.pid, role: options.role }
  return pino(
    { level: options.level, base, redact: REDACT },
    options.destination ?? pino.destination(1),
  )
}
