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

/** The process's logger: one JSON line per entry, with pid and role, times in epoch ms. */
export function createLogger(options: LoggerOptions): Logger {
  const base = { pid: process.pid, role: options.role }
  return pino({ level: options.level, base }, options.destination ?? pino.destination(1))
}
