import { EventSourceParserStream } from 'eventsource-parser/stream'
import { defineWorker } from 'parley'
import type { MessageContext, WorkerEnv, WorkerMessage } from 'parley'

/** How much of what was said before the model is given. */
const HISTORY = { limit: 20, maxChars: 20_000 }
/** Channels in which everything is meant for the assistant, as in elizaOS. */
const TALKS: ReadonlySet<string> = new Set(['DM', 'VOICE_DM', 'SELF', 'API'])
/** What an operator can do about an answer that is none. */
const HINTS: ReadonlyMap<number, string> = new Map([
  [400, ': is the conversation too long, or ASSISTANT_MODEL wrong?'],
  [401, ': ASSISTANT_KEY is missing or wrong'],
  [403, ': ASSISTANT_KEY is not allowed to do this'],
  [404, ': is ASSISTANT_URL or ASSISTANT_MODEL wrong?'],
  [429, ': too many requests, or no credit left'],
])

/** A part of an answer, as far as it is needed here. */
interface Chunk {
  readonly error?: { readonly message?: string }
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null }
    readonly finish_reason?: string | null
  }[]
}

/** In a talk everything; elsewhere what a person, not an agent, says with the assistant's name in it. */
async function isAsked({ senderId, text }: WorkerMessage, ctx: MessageContext): Promise<boolean> {
  if (TALKS.has(ctx.channel.type)) return true
  if (!text.toLowerCase().includes(ctx.agent.name.toLowerCase())) return false
  const participants = await ctx.participants()
  return !participants.some(({ id, isAgent }) => id === senderId && isAgent)
}

/** The prompt, the end of the conversation, and the message in hand, for the model. */
async function conversation(message: WorkerMessage, env: WorkerEnv, ctx: MessageContext) {
  const { name, id } = ctx.agent
  const turns = [{ role: 'user', content: `${message.senderName}: ${message.text}` }]
  let chars = 0
  for (const said of (await ctx.history({ limit: HISTORY.limit })).toReversed()) {
    chars += said.text.length
    if (chars > HISTORY.maxChars) break
    if (said.text === '') continue
    if (said.senderId === id) turns.unshift({ role: 'assistant', content: said.text })
    else turns.unshift({ role: 'user', content: `${said.senderName}: ${said.text}` })
  }
  const prompt = env.ASSISTANT_PROMPT || `You are ${name}, in a chat. Answer briefly.`
  return [{ role: 'system', content: prompt }, ...turns]
}

/** What one event of an answer adds to it. @throws Error when it says that something went wrong. */
function partOf(data: string) {
  const { error, choices: [choice] = [] }: Chunk = JSON.parse(data)
  if (error) throw new Error(error.message ?? data)
  return { text: choice?.delta?.content, isLast: Boolean(choice?.finish_reason) }
}

/** The text of an answer as it comes. @throws Error when it does not come, or not to its end. */
async function* textOf({ ok, status, body }: Response): AsyncGenerator<string> {
  if (!ok || body === null) throw new Error(`${status}${HINTS.get(status) ?? ''}`)
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
function failure(host: string, error: unknown, key = ''): Error {
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
  const words = `${message}${code}`
  return new Error(`no answer of ${host}: ${key === '' ? words : words.replaceAll(key, '…')}`)
}

/** Asks the endpoint. @throws Error that says what is wrong with it, without the key. */
async function* ask(env: WorkerEnv, messages: readonly object[], signal: AbortSignal) {
  const { ASSISTANT_URL = '', ASSISTANT_MODEL: model, ASSISTANT_KEY: key } = env
  const { host, origin, pathname, search } = new URL(ASSISTANT_URL)
  try {
    const url = `${origin}${pathname.replace(/\/+$/, '')}/chat/completions${search}`
    const headers = {
      'content-type': 'application/json',
      ...(key && { authorization: `Bearer ${key}` }),
    }
    const body = JSON.stringify({ model, messages, stream: true })
    yield* textOf(await fetch(url, { method: 'POST', headers, body, signal }))
  } catch (error) {
    // Cancelled, or out of time: no fault of the endpoint's.
    signal.throwIfAborted()
    throw failure(host, error, key)
  }
}

let isSilenceTold = false

/** An agent that answers with a model behind any OpenAI-compatible endpoint; README.md has the settings. */
export default defineWorker({
  agent: { name: 'Assistant', bio: 'Answers with a language model.' },
  env: 'ASSISTANT_',

  async message(message, env, ctx) {
    if (!URL.canParse(env.ASSISTANT_URL ?? '') || !env.ASSISTANT_MODEL) {
      const hint = 'Assistant stays silent: set ASSISTANT_URL and ASSISTANT_MODEL'
      if (!isSilenceTold) ctx.log.info({}, hint)
      isSilenceTold = true
      return
    }
    if (message.text === '' || !(await isAsked(message, ctx))) return
    ctx.typing()
    const stream = ctx.stream()
    const messages = await conversation(message, env, ctx)
    for await (const text of ask(env, messages, ctx.signal)) await stream.write(text)
    await stream.end()
  },
})
