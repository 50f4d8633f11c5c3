import type {
  MessageContext,
  MessageStream,
  ReplyContent,
  SentMessage,
} from '../agent/message-worker.ts'
import { ChannelError } from '../protocol/errors.ts'
import { compact } from '../util/compact.ts'
import { isJsonObject } from '../util/json.ts'
import type { Json } from '../util/json.ts'
import type { ElizaContent, ElizaMemory, ElizaRuntime } from './eliza-runtime.ts'
import { ownUuid } from './uuid.ts'

/** Texts that could not be stored of which one answer remembers that; of what is lost besides nothing is told. */
const MAX_UNSAID = 100

/** The action of an agent that does not want to answer. */
const IGNORE = 'IGNORE'

const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** As JSON has it: elizaOS's objects hold `undefined`, and dates. */
function asJson(value: unknown): Json | undefined {
  const json: Json | undefined = value === undefined ? undefined : JSON.parse(JSON.stringify(value))
  return json
}

/** The reply that a callback's content is; undefined where the agent stays silent. @throws TypeError */
export function replyOf(content: ElizaContent): ReplyContent | undefined {
  if (typeof content !== 'object' || content === null) {
    throw new TypeError('callback: must be a content, such as { text }')
  }
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

/** What a runtime may do about one message. */
export interface AnswerParts {
  readonly runtime: ElizaRuntime
  /** The message, as the runtime's memory has it. */
  readonly message: Pick<ElizaMemory, 'roomId' | 'worldId'>
  readonly context: Pick<MessageContext, 'reply' | 'stream' | 'log'>
}

/** A message of the agent's, and the content that it is for the runtime. */
interface Said {
  readonly sent: SentMessage
  readonly content: ElizaContent
}

/**
 * What a runtime says in answer to one message.
 *
 * Each content that its callback gets is a message, in order. What it shows as chunks before becomes that
 * message, where the content begins with what was shown; otherwise what was shown stands by itself, since it
 * was read by people, and the content is the next message. The runtime remembers all of them.
 */
export class RuntimeAnswer {
  readonly #parts: AnswerParts
  readonly #begun = new Set<Promise<unknown>>()
  /** What could not be stored for now, by its text, and why. */
  readonly #unsaid = new Map<string, ChannelError>()
  #stream: MessageStream | undefined
  #shown = ''
  #isOver = false
  #isLateTold = false

  constructor(parts: AnswerParts) {
    this.#parts = parts
  }

  /** More of a text that is being written. */
  show(chunk: string): Promise<void> {
    return this.#begin(this.#show(chunk))
  }

  /**
   * Resolves with what was stored, as the runtime's memory has it.
   *
   * @throws what the log refuses, which `finish` throws as well where it may be stored another time, and nobody has
   * said it again: there are handlers that let no callback's rejection through.
   */
  say(content: ElizaContent): Promise<ElizaMemory[]> {
    return this.#begin(this.#sayOrNote(content))
  }

  /**
   * The handlers have ended well: waits for what they began and did not wait for, and ends what they only showed.
   *
   * @throws what that throws: nobody else hears of it. What `say` says, so that the handlers run again.
   */
  async finish(): Promise<void> {
    while (this.#begun.size > 0) await Promise.all(this.#begun)
    if (this.#stream !== undefined) await this.say({})
    const [lost] = this.#unsaid.values()
    if (lost !== undefined) throw lost
  }

  /** What is said from now on is too late. */
  close(): void {
    this.#isOver = true
  }

  /**
   * elizaOS's own callback does not reject, so there are handlers that do not wait for it: a rejection that nobody
   * looks at would end the process. `finish` tells of it, and of the first that comes later a line of the log.
   */
  #begin<Value>(act: Promise<Value>): Promise<Value> {
    this.#begun.add(act)
    act.then(
      () => this.#begun.delete(act),
      (error: unknown) => {
        this.#begun.delete(act)
        if (this.#isOver) this.#tellLate(error)
      },
    )
    return act
  }

  #tellLate(error: unknown): void {
    if (this.#isLateTold) return
    this.#isLateTold = true
    this.#parts.context.log.warn({ err: error }, 'what a runtime said behind its handlers is lost')
  }

  async #show(chunk: string): Promise<void> {
    if (chunk === '') return
    this.#stream ??= this.#parts.context.stream()
    this.#shown += chunk
    await this.#stream.write(chunk)
  }

  async #sayOrNote(content: ElizaContent): Promise<ElizaMemory[]> {
    try {
      const memories = await this.#say(content)
      this.#unsaid.delete(asText(content.text) ?? '')
      return memories
    } catch (error) {
      const isLost = error instanceof ChannelError && error.retryable
      if (isLost && this.#unsaid.size < MAX_UNSAID) {
        this.#unsaid.set(asText(content.text) ?? '', error)
      }
      throw error
    }
  }

  async #say(content: ElizaContent): Promise<ElizaMemory[]> {
    const said = await this.#post(content)
    const memories = said.map((one) => this.#memoryOf(one))
    for (const memory of memories) await this.#remember(memory)
    return memories
  }

  async #post(content: ElizaContent): Promise<readonly Said[]> {
    const reply = replyOf(content)
    const stream = this.#stream
    if (stream === undefined) return reply === undefined ? [] : [await this.#reply(reply, content)]
    const shown = this.#shown
    this.#stream = undefined
    this.#shown = ''
    const more = reply && restOf(reply, shown)
    const sent = await stream.end(more)
    const streamed = more === undefined ? { text: shown } : content
    const first = sent === undefined ? [] : [{ sent, content: streamed }]
    return reply === undefined || more !== undefined
      ? first
      : [...first, await this.#reply(reply, content)]
  }

  async #reply(reply: ReplyContent, content: ElizaContent): Promise<Said> {
    return { sent: await this.#parts.context.reply(reply), content }
  }

  #memoryOf({ sent: { id, createdAt }, content }: Said): ElizaMemory {
    const { runtime, message } = this.#parts
    const { agentId } = runtime
    const { roomId, worldId } = message
    return {
      id: ownUuid(runtime, id),
      entityId: agentId,
      agentId,
      roomId,
      ...compact({ worldId }),
      createdAt,
      content,
    }
  }

  /** Once, also where an earlier run had said it. */
  async #remember(memory: ElizaMemory): Promise<void> {
    const { runtime } = this.#parts
    const { id } = memory
    if (id !== undefined && (await runtime.getMemoryById?.(id))) return
    await runtime.createMemory?.(memory, 'messages')
  }
}

/** What a reply adds to what was shown of it; undefined where it is another text. */
function restOf({ text = '', ...more }: ReplyContent, shown: string): ReplyContent | undefined {
  if (text.startsWith(shown)) {
    const rest = text.slice(shown.length)
    return { ...more, ...(rest !== '' && { text: rest }) }
  }
  // Often it is the same but for the blanks around it.
  return shown.trim() === text.trim() ? more : undefined
}
