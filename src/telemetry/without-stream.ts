import type { Logger } from './logger.ts'

const WITHOUT_STREAM = Symbol('without stream')

/**
 * A logger whose lines go to standard output only, never to the clients that watch the log; its
 * children likewise. Everything that says something about the delivery of log lines uses it:
 * otherwise each delivered line could log another one, without end.
 */
export function withoutStream(logger: Logger): Logger {
  return Object.defineProperty(logger.child({}), WITHOUT_STREAM, { value: true })
}

/** True for a logger that `withoutStream` made, and for its children (pino's children inherit). */
export function isWithoutStream(logger: Logger | undefined): boolean {
  return logger !== undefined && Reflect.get(logger, WITHOUT_STREAM) === true
}
