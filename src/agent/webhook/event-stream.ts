import { createParser } from 'eventsource-parser'
import type { EventSourceMessage } from 'eventsource-parser'
import type { MessageContext, MessageStream, Reply } from '../message-worker.ts'
import { textOf } from './body.ts'
import type { WebhookLimits } from './limits.ts'
import { Lines } from './lines.ts'
import type { WebhookAnswer } from './webhook-caller.ts'
import { WebhookError } from './webhook-error.ts'

/** Characters of an agent's own words about its error. */
const MAX_ERROR_CHARS = 500

/** Whoever says it checks what it is. */
function parse(event: string, data: string): Reply {
  try {
    const value: Reply = JSON.parse(data)
    return value
  } catch (error) {
    throw new WebhookError(`the data of a ${event} event is not JSON`, { cause: error })
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([key]) => key === name)?.[1]
}

function chunkOf(data: string): string {
  const text = fieldOf(parse('chunk', data), 'text')
  if (typeof text === 'string') return text
  throw new WebhookError('the data of a chunk event must be {"text": "…"}')
}

function errorOf(data: string): WebhookError {
  const words = fieldOf(parse('error', data), 'error')
  const shown = typeof words === 'string' ? words : data
  return new WebhookError(`the agent gave up: ${shown.slice(0, MAX_ERROR_CHARS)}`)
}

/** True when the stream has come to its end. */
async function take(stream: MessageStream, { event, data }: EventSourceMessage): Promise<boolean> {
  switch (event) {
    case undefined:
    case 'chunk':
      await stream.write(chunkOf(data))
      return false
    case 'done':
      await stream.end(data === '' ? undefined : parse('done', data))
      return true
    case 'error':
      throw errorOf(data)
    default:
      // Of a later version of this server, or for somebody else.
      return false
  }
}

/** The events of a stream, from its lines: the library takes whole ones, as it searches what waits again each time. */
class Events {
  readonly #lines = new Lines()
  readonly #maxChars: number
  #come: EventSourceMessage[] = []
  readonly #parser = createParser({ onEvent: (event) => this.#come.push(event) })
  #chars = 0

  constructor(maxChars: number) {
    this.#maxChars = maxChars
  }

  /** Those that this part brings to their end. @throws WebhookError where one is too long. */
  *take(part: string): Generator<EventSourceMessage> {
    for (const line of this.#lines.take(part)) {
      this.#chars = line === '' ? 0 : this.#chars + line.length
      this.#requireBounded(this.#chars)
      this.#parser.feed(`${line}\n`)
      const come = this.#come
      this.#come = []
      yield* come
    }
    this.#requireBounded(this.#chars + this.#lines.begunChars)
  }

  #requireBounded(chars: number): void {
    if (chars <= this.#maxChars) return
    throw new WebhookError(`an event has more than ${this.#maxChars} characters`)
  }
}

/**
 * Says what an event stream says, while it comes: `chunk` events with `{"text"}`, then `done`, with what else the
 * message says if anything.
 *
 * @throws WebhookError after an `error` event, where an event is too long, and where the body ends without `done`.
 */
export async function takeEvents(
  answer: WebhookAnswer,
  ctx: Pick<MessageContext, 'stream'>,
  { maxStreamBytes, maxEventChars }: WebhookLimits,
): Promise<void> {
  const stream = ctx.stream()
  const events = new Events(maxEventChars)
  for await (const text of textOf(answer, maxStreamBytes)) {
    for (const event of events.take(text)) if (await take(stream, event)) return
  }
  throw new WebhookError('the event stream ended without a done event')
}
