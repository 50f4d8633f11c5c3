import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** An HTTP upgrade request as plain data, for the process to which its socket is passed. */
export interface UpgradeRequest {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly headers: Readonly<IncomingMessage['headers']>
  /** What the client sent behind the request. */
  readonly head: Uint8Array
}

export function packUpgrade(request: IncomingMessage, head: Uint8Array): UpgradeRequest {
  const { method = 'GET', url = '/', rawHeaders, headers } = request
  return { method, url, rawHeaders, headers: { ...headers }, head }
}

/** The request as if it had been parsed from this socket. */
export function unpackUpgrade(packed: UpgradeRequest, socket: Socket): IncomingMessage {
  const request = new IncomingMessage(socket)
  request.method = packed.method
  request.url = packed.url
  request.httpVersion = '1.1'
  request.httpVersionMajor = 1
  request.httpVersionMinor = 1
  request.rawHeaders = [...packed.rawHeaders]
  request.headers = { ...packed.headers }
  request.complete = true
  return request
}
