import type { WebhookAnswer } from './webhook-caller.ts'
import { WebhookError } from './webhook-error.ts'

/** @throws WebhookError past so many bytes, where the body is no UTF-8, and where it ends early. */
export async function* textOf(
  { response, patience }: WebhookAnswer,
  maxBytes: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const parts: AsyncIterator<Buffer> = response[Symbol.asyncIterator]()
  let bytes = 0
  for (;;) {
    const { done, value } = await patience.until(parts.next()).catch(endedEarly)
    if (done === true) break
    bytes += value.length
    if (bytes > maxBytes) throw new WebhookError(`answered more than ${maxBytes} bytes`)
    yield decode(() => decoder.decode(value, { stream: true }))
  }
  yield decode(() => decoder.decode())
}

function endedEarly(error: unknown): never {
  const isCut = error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
  throw isCut ? new WebhookError('the answer was cut short', { cause: error }) : error
}

function decode(work: () => string): string {
  try {
    return work()
  } catch (error) {
    throw new WebhookError('the answer is not UTF-8', { cause: error })
  }
}

/** All of it. @throws as `textOf`. */
export async function wholeText(answer: WebhookAnswer, maxBytes: number): Promise<string> {
  let text = ''
  for await (const part of textOf(answer, maxBytes)) text += part
  return text
}
