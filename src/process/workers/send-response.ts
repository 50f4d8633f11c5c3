import { once } from 'node:events'
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** What says where a response ends is this server's to say, and what belongs to one connection too. */
const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function headersOf({ headers }: Response): OutgoingHttpHeaders {
  const plain = [...headers].filter(([name]) => !FRAMING.has(name) && name !== 'set-cookie')
  const cookies = headers.getSetCookie()
  return { ...Object.fromEntries(plain), ...(cookies.length > 0 && { 'set-cookie': cookies }) }
}

async function sendBody(body: ReadableStream<Uint8Array>, out: ServerResponse): Promise<void> {
  const reader = body.getReader()
  const closed = new AbortController()
  out.once('close', () => {
    closed.abort()
    // Tells the worker's stream that nobody reads it; one that is at its end, or broken, does not mind.
    reader.cancel(new Error('the client is gone')).catch(() => undefined)
  })
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    if (out.destroyed) return
    if (out.write(step.value)) continue
    // Rejects when the client goes: then there is nothing more to do.
    await once(out, 'drain', { signal: closed.signal }).catch(() => undefined)
  }
  if (!out.destroyed) out.end()
}

/**
 * Sends a worker's Response, piece by piece as it comes and as fast as it is read.
 *
 * @throws what the worker's own stream throws, or TypeError where it yields something else than bytes or
 * text; part of the response has been sent by then.
 */
export async function sendResponse(
  answer: Response,
  out: ServerResponse,
  isHead: boolean,
): Promise<void> {
  out.writeHead(answer.status, headersOf(answer))
  if (isHead || answer.body === null) {
    await answer.body?.cancel()
    out.end()
    return
  }
  out.flushHeaders()
  await sendBody(answer.body, out)
}
