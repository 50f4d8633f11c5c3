import { EventSourceParserStream } from 'eventsource-parser/stream'

/** What an operator can do about an answer that is none. */
const HINTS: ReadonlyMap<number, string> = new Map([
  [400, ': is the conversation too long, or ASSISTANT_MODEL wrong?'],
  [401, ': ASSISTANT_KEY is missing or wrong'],
  [403, ': ASSISTANT_KEY is not allowed to do this'],
  [404, ': is ASSISTANT_URL or ASSISTANT_MODEL wrong?'],
  [429, ': too many requests, or no credit left'],
])

/** A part of an answer, as far as it is needed here. */
interface Part {
  readonly error?: { readonly message?: string }
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null }
    readonly finish_reason?: string | null
  }[]
}

/** A question to an endpoint that speaks OpenAI's chat completions. */
export interface Question {
  /** Of the endpoint, up to its `/v1`. */
  readonly url: string
  readonly model: string
  /** Empty where the endpoint wants none. */
  readonly key: string
  readonly messages: readonly { readonly role: string; readonly content: string }[]
  readonly signal: AbortSignal
}

/** The text of the answer as it comes. @throws Error that says what is wrong with the endpoint, without the key. */
export async function* answerTo(question: Question): AsyncGenerator<string> {
  const { key, signal } = question
  const { host, origin, pathname, search } = new URL(question.url)
  try {
    const url = `${origin}${pathname.replace(/\/+$/, '')}/chat/completions${search}`
    yield* textOf(await post(url, question))
  } catch (error) {
    // Cancelled, or out of time: no fault of the endpoint's.
    signal.throwIfAborted()
    throw failure(host, error, key)
  }
}

function post(url: string, { key, model, messages, signal }: Question): Promise<Response> {
  const authorization = key !== '' && { authorization: `Bearer ${key}` }
  const headers = { 'content-type': 'application/json', ...authorization }
  const body = JSON.stringify({ model, messages, stream: true })
  return fetch(url, { method: 'POST', headers, body, signal })
}

/** What one event adds to it. @throws Error when it says that something went wrong. */
function partOf(data: string) {
  const { error, choices: [choice] = [] }: Part = JSON.parse(data)
  if (error) throw new Error(error.message ?? data)
  return { text: choice?.delta?.content, isLast: Boolean(choice?.finish_reason) }
}

/** @throws Error when it does not come, or not to its end. */
async function* textOf({ ok, status, headers, body }: Response): AsyncGenerator<string> {
  if (!ok || body === null) throw new Error(`${status}${HINTS.get(status) ?? ''}`)
  const type = headers.get('content-type')
  if (type !== null && !type.startsWith('text/event-stream')) {
    throw new Error(`it answered with ${type}, not an event stream: is ASSISTANT_URL wrong?`)
  }
  const events = body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
  let isWhole = false
  for await (const { data } of events) {
    if (data === '[DONE]') return
    const { text, isLast } = partOf(data)
    if (text) yield text
    isWhole ||= isLast
  }
  if (!isWhole) throw new Error('it ended before it was whole')
}

/** What an operator reads: without the key, and without a cause that may show it. */
function failure(host: string, error: unknown, key: string): Error {
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
  const words = `${message}${code}`
  return new Error(`no answer of ${host}: ${key === '' ? words : words.replaceAll(key, '…')}`)
}
