/** Where it stands in a request, each sending has a random UUID instead: the client's own id of a message. */
export const FRESH_ID = '00000000-0000-4000-8000-000000000000'

/** What one generator of requests does until it is ended. */
export interface RestPlan {
  readonly port: number
  readonly connectionCount: number
  /** Whole requests; each connection draws from them at random. */
  readonly requests: readonly string[]
}

/** What happened since the mark before. Counts of a `Histogram`. */
export interface RestWindow {
  readonly durationMs: number
  readonly answers: number
  /** Answers with a status that is not 2xx. */
  readonly refusals: number
  readonly brokenConnections: number
  readonly latencyCounts: Uint32Array
  /** CPU time of the generator itself, user and system. */
  readonly cpuMs: number
}

export type RestCommand =
  | { readonly do: 'start'; readonly plan: RestPlan }
  | { readonly do: 'mark' }

interface RestCall {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
}

/** A request as a keep-alive client sends it. */
export function requestText({ method, path, body }: RestCall): string {
  const head = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: keep-alive']
  if (body === undefined) return `${head.join('\r\n')}\r\n\r\n`
  const json = JSON.stringify(body)
  head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(json)}`)
  return `${head.join('\r\n')}\r\n\r\n${json}`
}
