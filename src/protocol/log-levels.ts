/** Level names that elizaOS knows, most severe first. */
export const LOG_LEVEL_NAMES = [
  'fatal',
  'error',
  'warn',
  'info',
  'log',
  'progress',
  'success',
  'debug',
  'trace',
] as const

export type LogLevelName = (typeof LOG_LEVEL_NAMES)[number]

/** pino's numbers, and elizaOS's own between them. */
export const LOG_LEVELS: Readonly<Record<LogLevelName, number>> = {
  fatal: 60,
  error: 50,
  warn: 40,
  info: 30,
  log: 29,
  progress: 28,
  success: 27,
  debug: 20,
  trace: 10,
}
