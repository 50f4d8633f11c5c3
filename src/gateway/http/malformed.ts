import { RequestError } from '@hono/node-server'
import { ChannelError, toChannelError } from '../../protocol/errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { errorReply } from './errors.ts'
import { createResponder } from './respond.ts'

/**
 * Answers what never becomes a request for the app: a Host or URL that cannot be read. Without it the
 * answer is an empty 400.
 */
export function createMalformedHandler(
  corsOrigin: string,
  logger: Logger,
): (error: unknown) => Response {
  const responder = createResponder(corsOrigin)
  return (error) => {
    const isUnreadable = error instanceof RequestError
    if (!isUnreadable) logger.error({ err: error }, 'request failed outside the app')
    const refusal = isUnreadable
      ? new ChannelError('INVALID_PAYLOAD', 'The Host or the URL of the request cannot be read.')
      : toChannelError(error)
    return responder.respond(errorReply(refusal, '/'), undefined)
  }
}
