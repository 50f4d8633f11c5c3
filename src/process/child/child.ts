import type { Logger } from '../../telemetry/logger.ts'
import { createDeferred } from '../../util/deferred.ts'
import { reasonOf } from '../error-facts.ts'
import type { ChildStart } from '../messages.ts'
import { openTelemetry } from './open-telemetry.ts'
import { PrimaryLink } from './primary-link.ts'
import type { ChildRole } from '../roles.ts'

export interface ChildContext {
  readonly start: ChildStart
  readonly link: PrimaryLink
  readonly logger: Logger
  /** Ends this process with a reason; the primary starts another one. */
  readonly fail: (error: unknown) => void
  /** From now on errors that nobody caught go to `handle` instead, and this process goes on. */
  readonly forgive: (handle: (error: unknown) => void) => void
}

/** A composed process that serves. */
export interface RunningChild {
  readonly connectionCount: () => number
  /** Finishes what is under way and closes everything; bounded by `PARLEY_DRAIN_MS` where clients are. */
  drain(): Promise<void>
}

export type Compose = (context: ChildContext) => Promise<RunningChild>

/** Serves until the primary asks for a drain and that is done, or the primary is gone. Throws what made it fail. */
async function live(
  compose: Compose,
  context: ChildContext,
  failed: Promise<never>,
): Promise<void> {
  const { link } = context
  const drainAsked = createDeferred<void>()
  link.onMessage(({ parley }) => {
    if (parley === 'drain') drainAsked.resolve()
  })
  const running = await Promise.race([compose(context), failed, link.closed])
  if (running === undefined) return
  link.onMessage(({ parley }) => {
    if (parley === 'ping') {
      void link.send({ parley: 'pong', connections: running.connectionCount() })
    }
  })
  await link.send({ parley: 'ready' })
  await Promise.race([drainAsked.promise, failed, link.closed])
  await Promise.race([running.drain(), failed, link.closed])
}

/**
 * Runs one child process until the primary lets it go, it fails, or the primary is gone. Resolves with
 * the exit code; whatever is acknowledged is on disk by then, so ending at once loses nothing.
 */
export async function runChild(role: ChildRole, compose: Compose): Promise<number> {
  if (process.send === undefined) {
    process.stderr.write(`parley: a ${role} is started by the server itself, not by hand\n`)
    return 1
  }
  const link = new PrimaryLink()
  const start = await Promise.race([link.hello(), link.closed])
  if (start === undefined) return 1
  const { logger, close } = openTelemetry({
    role,
    level: start.settings.logLevel,
    send: (lines) => link.send({ parley: 'log-lines', lines }),
  })
  const failed = createDeferred<never>()
  const fail = failed.reject
  const stray = { handle: fail }
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error: unknown) => {
      stray.handle(error)
    })
  }
  const forgive = (handle: (error: unknown) => void): void => {
    stray.handle = handle
  }
  try {
    await live(compose, { start, link, logger, fail, forgive }, failed.promise)
    return 0
  } catch (error) {
    logger.fatal({ err: error }, 'process failed')
    await link.send({ parley: 'failed', reason: reasonOf(error) })
    return 1
  } finally {
    await close()
  }
}
