import type {
  MessageContext,
  MessageStream,
  ReplyContent,
  SentMessage,
} from '../agent/message-worker.ts'
import { compact } from '../util/compact.ts'
import { isJsonObject } from '../util/json.ts'
import type { Json } from '../util/json.ts'
import type { ElizaContent, ElizaMemory, ElizaRuntime } from './eliza-runtime.ts'
import { ownUuid } from './uuid.ts'

/** The action of an agent that does not want to answer. */
const IGNORE = 'IGNORE'

const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** As JSON has it: elizaOS's objects hold `undefined`, and dates. */
function asJson(value: unknown): Json | undefined {
  const json: Json | undefined = value === undefined ? undefined : JSON.parse(JSON.stringify(value))
  return json
}

/** The reply that a callback's content is; undefined where the agent stays silent. */
export function replyOf(content: ElizaContent): ReplyContent | undefined {
  const actions = Array.isArray(content.actions) ? content.actions.map(String) : undefined
  if (actions?.some((action) => action.toUpperCase() === IGNORE)) return undefined
  const attachments = asJson(content['attachments'])
  const metadata = asJson(content['metadata'])
  const text = asText(content.text)
  const hasAttachments = Array.isArray(attachments) && attachments.length > 0
  if (text === undefined && !hasAttachments) return undefined
  return compact({
    text,
    thought: asText(content.thought),
    actions,
    attachments: hasAttachments ? attachments : undefined,
    metadata: isJsonObject(metadata) ? metadata : undefined,
  })
}

type Speaking = Pick<MessageContext, 'reply' | 'stream'>

/**
 * What a runtime says in answer to one message.
 *
 * Each content that its callback gets is a message, in order. What it shows as chunks before becomes that
 * message, where the content begins with what was shown; otherwise what was shown stands by itself, since it
 * was read by people, and the content is the next message.
 */
export class RuntimeAnswer {
  readonly #runtime: ElizaRuntime
  readonly #context: Speaking
  #stream: MessageStream | undefined
  #shown = ''

  constructor(runtime: ElizaRuntime, context: Speaking) {
    this.#runtime = runtime
    this.#context = context
  }

  /** More of a text that is being written. */
  async show(chunk: string): Promise<void> {
    if (chunk === '') return
    this.#stream ??= this.#context.stream()
    this.#shown += chunk
    await this.#stream.write(chunk)
  }

  /** Resolves with what was stored, as the runtime's memory has it. */
  async say(content: ElizaContent): Promise<ElizaMemory[]> {
    const reply = replyOf(content)
    const sent = await this.#say(reply)
    if (sent === undefined) return []
    const { agentId } = this.#runtime
    const own = (id: string) => ownUuid(this.#runtime, id)
    return [
      {
        id: own(sent.id),
        entityId: agentId,
        agentId,
        roomId: own(sent.channelId),
        createdAt: sent.createdAt,
        content,
      },
    ]
  }

  async #say(reply: ReplyContent | undefined): Promise<SentMessage | undefined> {
    const stream = this.#stream
    if (stream === undefined) return reply && this.#context.reply(reply)
    const shown = this.#shown
    this.#stream = undefined
    this.#shown = ''
    if (reply === undefined) return stream.end()
    const { text = '', ...more } = reply
    if (text.startsWith(shown)) {
      const rest = text.slice(shown.length)
      return stream.end({ ...more, ...(rest !== '' && { text: rest }) })
    }
    // Often it is the same but for the blanks around it.
    if (shown.trim() === text.trim()) return stream.end(more)
    await stream.end()
    return this.#context.reply(reply)
  }
}
