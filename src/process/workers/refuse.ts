import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorReply } from '../../gateway/http/errors.ts'
import { createResponder } from '../../gateway/http/respond.ts'
import type { ChannelError } from '../../protocol/errors.ts'

/** Answers a request with an error, in the envelope that all of `/workers` has. */
export type Refuse = (
  request: IncomingMessage,
  response: ServerResponse,
  error: ChannelError,
) => void

export function createRefuse(corsOrigin: string): Refuse {
  const responder = createResponder(corsOrigin)
  return (request, response, error) => {
    // Read to its end for nobody, so that the next one on its connection starts where it should.
    request.unpipe()
    request.resume()
    if (response.headersSent) {
      response.destroy()
      return
    }
    const reply = errorReply(error, '/workers')
    const { status, headers } = responder.respond(reply, request.headers.origin)
    response.writeHead(status, Object.fromEntries(headers)).end(JSON.stringify(reply.json))
  }
}
