import { ChannelError } from '../../protocol/errors.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { HeaderRecord } from '../auth.ts'
import { BodyTooLarge } from './errors.ts'

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i
const FORM_TYPE = /^(?:multipart\/form-data|application\/x-www-form-urlencoded)\s*(?:;|$)/i

const hasBody = (headers: HeaderRecord): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

const typeOf = (headers: HeaderRecord): string => {
  const type = headers['content-type']
  return typeof type === 'string' ? type : ''
}

/** @throws INVALID_CONTENT_TYPE for a body that is neither JSON nor a form, as in elizaOS. */
export function checkContentType(headers: HeaderRecord): void {
  if (!hasBody(headers)) return
  const type = typeOf(headers)
  if (!JSON_TYPE.test(type) && !FORM_TYPE.test(type)) throw new ChannelError('INVALID_CONTENT_TYPE')
}

/** Whether there is a body of which nothing is read. */
export function isForm(headers: HeaderRecord): boolean {
  return hasBody(headers) && FORM_TYPE.test(typeOf(headers))
}

/** Reads a body of unknown length and gives up at the bound, not after it. */
async function readChunks(body: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const reader = body.getReader()
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    bytes += step.value.byteLength
    if (bytes > LIMITS.maxBodyBytes) {
      await reader.cancel()
      throw new BodyTooLarge()
    }
    chunks.push(step.value)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

async function readText(request: Request, headers: HeaderRecord): Promise<string> {
  if (headers['transfer-encoding'] === undefined) {
    // Node hands out no more than the announced length, so the announcement is the bound.
    if (Number(headers['content-length']) > LIMITS.maxBodyBytes) {
      throw new BodyTooLarge()
    }
    return request.text()
  }
  return request.body === null ? '' : readChunks(request.body)
}

/**
 * The request's JSON; an absent or form body counts as `{}`, so that the endpoint says what it needs.
 *
 * @throws PAYLOAD_TOO_LARGE, INVALID_JSON.
 */
export async function readJson(request: Request, headers: HeaderRecord): Promise<unknown> {
  if (!hasBody(headers) || !JSON_TYPE.test(typeOf(headers))) return {}
  const text = await readText(request, headers).catch((error: unknown) => {
    if (error instanceof ChannelError) throw error
    // The client went away in the middle of its body; nobody reads the answer.
    throw new ChannelError('INVALID_JSON', 'The request body ended early.', { cause: error })
  })
  if (text === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch (error) {
    throw new ChannelError('INVALID_JSON', undefined, { cause: error })
  }
}
