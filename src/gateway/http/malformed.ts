import { RequestError } from '@hono/node-server'
import { ChannelError, toChannelError } from '../../protocol/errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { errorReply } from './errors.ts'
import { createResponder } from './respond.ts'

export interface ListenerOptions {
  readonly hostname: string
  readonly errorHandler: (error: unknown) => Response
}

/**
 * How Node's requests become requests for the app, and how those are answered that do not: a Host or
 * URL that cannot be read (without the handler the answer is an empty 400).
 *
 * The name stands in for the Host that HTTP/1.0 leaves out, as probes of load balancers do; it is part
 * of a URL only and opens nothing, because access is decided by the headers.
 */
export function createListenerOptions(corsOrigin: string, logger: Logger): ListenerOptions {
  const responder = createResponder(corsOrigin)
  const errorHandler = (error: unknown): Response => {
    const isUnreadable = error instanceof RequestError
    if (!isUnreadable) logger.error({ err: error }, 'request failed outside the app')
    const refusal = isUnreadable
      ? new ChannelError('INVALID_PAYLOAD', 'The Host or the URL of the request cannot be read.')
      : toChannelError(error)
    return responder.respond(errorReply(refusal, '/'), undefined)
  }
  return { hostname: 'localhost', errorHandler }
}
